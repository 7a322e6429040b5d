/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* floordiv, mod, min and max: every simplification of a division rests on num == quot * den + rest. */
#include "ir/dim/dim_impl.h"

/* den is one term: divides each term of num whose product contains den's; constants leave a rest in 0..den-1. */
static void split_by_term(dim_table *t, const dim_poly *num, dim_term den, dim_poly *quot, dim_poly *rest) {
    poly_init(quot);
    poly_init(rest);
    for (uint32_t i = 0; i < num->n; i++) {
        dim_term x = num->at[i];
        dim monic;
        if (!monic_divide(t, x.monic, den.monic, &monic)) {
            poly_add_term(t, rest, x.coef, x.monic);
            continue;
        }
        int64_t q = x.monic == DIM_ONE ? floor_div_i64(x.coef, den.coef) : x.coef / den.coef;
        poly_add_term(t, quot, q, monic);
        poly_add_term(t, rest, x.coef - q * den.coef, x.monic);
    }
}

/* den is a sum: long division by its first term, taken only where it shortens the rest. */
static void split_by_sum(dim_table *t, const dim_poly *num, const dim_poly *den, dim_poly *quot, dim_poly *rest) {
    poly_init(quot);
    poly_init(rest);
    poly_add(t, rest, num, 1);
    dim_term lead = den->at[0];
    for (uint32_t i = 0; i < rest->n && !rest->bad; i++) {
        dim_term x = rest->at[i];
        dim monic;
        if (x.coef == INT64_MIN || x.coef % lead.coef != 0 || !monic_divide(t, x.monic, lead.monic, &monic)) continue;
        dim_poly q, product, candidate;
        poly_init(&q);
        poly_add_term(t, &q, x.coef / lead.coef, monic);
        poly_mul(t, &q, den, &product);
        poly_init(&candidate);
        poly_add(t, &candidate, rest, 1);
        poly_add(t, &candidate, &product, -1);
        if (candidate.bad || candidate.n >= rest->n) continue;
        poly_add(t, quot, &q, 1);
        poly_init(rest);
        poly_add(t, rest, &candidate, 1);
        i = UINT32_MAX; /* from the start */
    }
}

void dim_split(dim_table *t, dim num, dim den, dim *out_quot, dim *out_rest) {
    dim_poly n, d, quot, rest;
    poly_of(t, num, &n);
    poly_of(t, den, &d);
    if (d.n == 1 && d.at[0].coef > 0)
        split_by_term(t, &n, d.at[0], &quot, &rest);
    else if (d.n > 1)
        split_by_sum(t, &n, &d, &quot, &rest);
    else {
        *out_quot = DIM_ZERO, *out_rest = num;
        return;
    }
    *out_quot = poly_make(t, &quot);
    *out_rest = poly_make(t, &rest);
    if (*out_quot == DIM_BAD || *out_rest == DIM_BAD) *out_quot = DIM_ZERO, *out_rest = num;
}

/* True when floor(rest / den) is one known constant. */
static bool constant_quotient(dim_table *t, dim rest, dim den, int64_t *out) {
    int64_t k;
    if (dim_is_const(t, den, &k)) {
        int64_t lo = dim_lower(t, rest), hi;
        if (lo == INT64_MIN || (hi = dim_upper(t, rest)) == INT64_MAX) return false;
        *out = floor_div_i64(lo, k);
        return *out == floor_div_i64(hi, k);
    }
    if (dim_le(t, DIM_ZERO, rest)) return *out = 0, dim_lt(t, rest, den);
    return *out = -1, dim_lt(t, rest, DIM_ZERO) && dim_le(t, DIM_ZERO, dim_add(t, rest, den));
}

static bool is_positive(dim_table *t, dim d) { return dim_le(t, DIM_ONE, d); }

static dim exact(dim_table *t, dim d, dim_term by) {
    dim_poly p, q;
    poly_of(t, d, &p);
    poly_init(&q);
    for (uint32_t i = 0; i < p.n; i++) {
        dim monic;
        bool divides = monic_divide(t, p.at[i].monic, by.monic, &monic);
        ASSERT(divides && p.at[i].coef % by.coef == 0);
        poly_add_term(t, &q, p.at[i].coef / by.coef, monic);
    }
    return poly_make(t, &q);
}

static dim term_dim(dim_table *t, dim_term x) {
    dim_poly p;
    poly_init(&p);
    poly_add_term(t, &p, x.coef, x.monic);
    return poly_make(t, &p);
}

static int64_t gcd_pos(int64_t a, int64_t b) {
    while (b) {
        int64_t r = a % b;
        a = b, b = r;
    }
    return a < 0 ? -a : a;
}

/* A factor g of den such that num == g * *out_high + *out_low with 0 <= low < g; then
 * num floordiv den == high floordiv (den / g) and num mod den == g * (high mod (den / g)) + low. */
static bool try_factor(dim_table *t, dim num, dim_term g, dim *out_high, dim *out_low) {
    dim gd = term_dim(t, g);
    dim_split(t, num, gd, out_high, out_low);
    if (*out_high == DIM_ZERO) return false;
    if (*out_low == DIM_ZERO) return is_positive(t, gd);
    return dim_le(t, DIM_ZERO, *out_low) && dim_lt(t, *out_low, gd);
}

static bool find_factor(dim_table *t, dim num, dim den, dim_term *out_g, dim *out_high, dim *out_low) {
    dim_poly n, d;
    poly_of(t, num, &n);
    poly_of(t, den, &d);
    dim_term content = poly_content(t, &d);
    for (uint32_t i = 0; i < n.n && content.coef > 1; i++) {
        int64_t g = gcd_pos(n.at[i].coef, content.coef);
        *out_g = (dim_term){g, DIM_ONE};
        if (n.at[i].monic != DIM_ONE && g > 1 && !(d.n == 1 && d.at[0].monic == DIM_ONE && g == content.coef) &&
            try_factor(t, num, *out_g, out_high, out_low))
            return true;
    }
    uint32_t n_atoms = monic_n_atoms(t, content.monic);
    for (uint32_t k = 0; k < n_atoms; k++) {
        *out_g = (dim_term){1, monic_atoms(t, &content.monic)[k]};
        if (den != out_g->monic && try_factor(t, num, *out_g, out_high, out_low)) return true;
    }
    return false;
}

/* num is (x floordiv c) + p with c > 0: *out is x + p*c, so that num floordiv n is *out floordiv (c*n). */
static bool is_quotient_plus(dim_table *t, dim num, dim *out_x, dim *out_c) {
    dim_poly p;
    poly_of(t, num, &p);
    dim quotient = DIM_BAD;
    for (uint32_t i = 0; i < p.n; i++) {
        if (dim_at(t, p.at[i].monic)->kind == DIM_FLOORDIV && p.at[i].coef == 1 && quotient == DIM_BAD)
            quotient = p.at[i].monic;
        else if (i > 2 || !(p.at[i].monic == DIM_ONE || dim_at(t, p.at[i].monic)->depth <= 1))
            return false;
    }
    if (quotient == DIM_BAD) return false;
    *out_c = dim_args(t, quotient)[1];
    dim plus = dim_mul(t, dim_sub(t, num, quotient), *out_c);
    *out_x = dim_add(t, dim_args(t, quotient)[0], plus);
    return *out_x != DIM_BAD && is_positive(t, *out_c);
}

/* num floordiv den where nothing of num is a multiple of den. */
static dim quotient_of_rest(dim_table *t, dim num, dim den) {
    int64_t k;
    if (num == DIM_ZERO) return DIM_ZERO;
    if (constant_quotient(t, num, den, &k)) return dim_const(t, k);
    dim_term g;
    dim high, low, x, c, a;
    if (find_factor(t, num, den, &g, &high, &low)) return dim_floordiv(t, high, exact(t, den, g));
    if (is_positive(t, den)) {
        if (is_quotient_plus(t, num, &x, &c)) {
            dim wider = dim_mul(t, c, den);
            if (wider != DIM_BAD) return dim_floordiv(t, x, wider);
        }
        if (dim_at(t, num)->kind == DIM_MOD && dim_div_exact(t, dim_args(t, num)[1], den, &a) && is_positive(t, a))
            return dim_mod(t, dim_floordiv(t, dim_args(t, num)[0], den), a);
    }
    return dim_intern(t, DIM_FLOORDIV, 0, 2, (dim[]){num, den});
}

/* Drops mods that a mod by den makes superfluous: (x mod (a*den)) mod den == x mod den. */
static dim unwrap_mods(dim_table *t, dim num, dim den) {
    dim_poly p;
    poly_of(t, num, &p);
    for (uint32_t i = 0; i < p.n; i++) {
        dim monic = p.at[i].monic;
        for (uint32_t k = 0; k < monic_n_atoms(t, monic); k++) {
            dim mod = monic_atoms(t, &monic)[k], ignored, rest;
            if (dim_at(t, mod)->kind != DIM_MOD || !dim_div_exact(t, dim_args(t, mod)[1], den, &ignored)) continue;
            monic_divide(t, monic, mod, &rest);
            dim wrapped = term_dim(t, p.at[i]);
            dim open = dim_mul(t, term_dim(t, (dim_term){p.at[i].coef, rest}), dim_args(t, mod)[0]);
            dim changed = dim_add(t, dim_sub(t, num, wrapped), open);
            return changed == DIM_BAD ? num : changed;
        }
    }
    return num;
}

static dim mod_of_rest(dim_table *t, dim num, dim den) {
    int64_t k;
    if (num == DIM_ZERO) return DIM_ZERO;
    if (constant_quotient(t, num, den, &k)) return dim_sub(t, num, dim_scale(t, den, k));
    dim_term g;
    dim high, low;
    if (find_factor(t, num, den, &g, &high, &low)) {
        dim inner = dim_mod(t, high, exact(t, den, g));
        return dim_add(t, dim_mul(t, term_dim(t, g), inner), low);
    }
    return dim_intern(t, DIM_MOD, 0, 2, (dim[]){num, den});
}

static bool both_const(const dim_table *t, dim a, dim b, int64_t *x, int64_t *y) {
    return dim_is_const(t, a, x) && dim_is_const(t, b, y) && !(*x == INT64_MIN && *y == -1);
}

dim dim_floordiv(dim_table *t, dim a, dim b) {
    if (a == DIM_BAD || b == DIM_BAD || b == DIM_ZERO) return DIM_BAD;
    if (b == DIM_ONE || a == DIM_ZERO) return a;
    int64_t x, y;
    dim known, quot, rest;
    if (both_const(t, a, b, &x, &y)) return dim_const(t, floor_div_i64(x, y));
    dim_refresh(t);
    if (dim_recall(t, DOP_FLOORDIV, a, b, &known)) return known;
    if (dim_is_const(t, b, &y) && y < 0) return dim_floordiv(t, dim_scale(t, a, -1), dim_scale(t, b, -1));
    dim_split(t, a, b, &quot, &rest);
    return dim_remember(t, DOP_FLOORDIV, a, b, dim_add(t, quot, quotient_of_rest(t, rest, b)));
}

dim dim_mod(dim_table *t, dim a, dim b) {
    if (a == DIM_BAD || b == DIM_BAD || b == DIM_ZERO) return DIM_BAD;
    if (b == DIM_ONE || a == DIM_ZERO) return DIM_ZERO;
    int64_t x, y;
    dim known, quot, rest = a;
    if (both_const(t, a, b, &x, &y)) return dim_const(t, x - floor_div_i64(x, y) * y);
    dim_refresh(t);
    if (dim_recall(t, DOP_MOD, a, b, &known)) return known;
    if (dim_is_const(t, b, &y) && y < 0) return dim_scale(t, dim_mod(t, dim_scale(t, a, -1), dim_scale(t, b, -1)), -1);
    for (dim before = DIM_BAD; before != rest;) {
        before = rest;
        dim_split(t, rest, b, &quot, &rest);
        rest = unwrap_mods(t, rest, b);
    }
    return dim_remember(t, DOP_MOD, a, b, mod_of_rest(t, rest, b));
}

dim dim_ceildiv(dim_table *t, dim a, dim b) { return dim_floordiv(t, dim_add(t, a, dim_sub(t, b, DIM_ONE)), b); }

dim dim_align(dim_table *t, dim a, int64_t multiple) {
    dim m = dim_const(t, multiple);
    return dim_mul(t, dim_ceildiv(t, a, m), m);
}

/* --- min, max --- */

#define MAX_OPERANDS 32u

/* Adds x to the operands unless one of them makes it superfluous; drops those that x makes superfluous. */
static void add_operand(dim_table *t, dim_kind kind, dim x, dim *operands, uint32_t *n) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *n; i++) {
        dim y = operands[i];
        if (x == y || (kind == DIM_MIN ? dim_le(t, y, x) : dim_le(t, x, y))) return;
    }
    for (uint32_t i = 0; i < *n; i++) {
        dim y = operands[i];
        if (!(kind == DIM_MIN ? dim_le(t, x, y) : dim_le(t, y, x))) operands[kept++] = y;
    }
    uint32_t at = kept;
    while (at > 0 && dim_order(t, x, operands[at - 1]) < 0) operands[at] = operands[at - 1], at--;
    operands[at] = x;
    *n = kept + 1;
}

static dim extremum(dim_table *t, dim_kind kind, dim a, dim b) {
    dim both[2] = {a, b}, operands[MAX_OPERANDS];
    uint32_t n = 0;
    for (int i = 0; i < 2; i++) {
        bool nested = dim_at(t, both[i])->kind == kind;
        uint32_t n_args = nested ? dim_at(t, both[i])->n_args : 1;
        const dim *args = nested ? dim_args(t, both[i]) : &both[i];
        if (n + n_args > MAX_OPERANDS) return DIM_BAD;
        for (uint32_t k = 0; k < n_args; k++) add_operand(t, kind, args[k], operands, &n);
    }
    return n == 1 ? operands[0] : dim_intern(t, kind, 0, n, operands);
}

dim dim_min(dim_table *t, dim a, dim b) {
    dim known;
    if (a == DIM_BAD || b == DIM_BAD) return DIM_BAD;
    if (a == b) return a;
    dim_refresh(t);
    if (dim_recall(t, DOP_MIN, a, b, &known)) return known;
    return dim_remember(t, DOP_MIN, a, b, extremum(t, DIM_MIN, a, b));
}

dim dim_max(dim_table *t, dim a, dim b) {
    dim known;
    if (a == DIM_BAD || b == DIM_BAD) return DIM_BAD;
    if (a == b) return a;
    dim_refresh(t);
    if (dim_recall(t, DOP_MAX, a, b, &known)) return known;
    return dim_remember(t, DOP_MAX, a, b, extremum(t, DIM_MAX, a, b));
}
