/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a relation between two dims says about the one symbol that it depends on.
 *
 *     64*B*S == 768*B      B >= 1       S = 12
 *     2*S + 1 <= 1024                   S <= 511
 *     (S + 3) floordiv 4 == 5           17 <= S <= 20
 *     S == min(S, 512)                  S <= 512
 *
 * A factor that both sides share goes when it is 1 at least; a multiple of the symbol, or of a quotient by a constant,
 * and a constant may be left. */
#include "ir/dim/dim_impl.h"

enum { MAX_NESTED = 8 }; /* quotients inside each other */

/* lo <= value <= hi; INT64_MIN and INT64_MAX: no bound. */
typedef struct bounds {
    int64_t lo, hi;
} bounds;

static int64_t ceil_div_i64(int64_t a, int64_t b) { return floor_div_i64(a, b) + (a % b != 0); }

static bool is_small(int64_t x) { return x >= -(INT64_C(1) << 61) && x <= INT64_C(1) << 61; }

/* Whether the bounds are small enough to be calculated with. */
static bool is_exact(bounds b) {
    return (b.lo == INT64_MIN || is_small(b.lo)) && (b.hi == INT64_MAX || is_small(b.hi));
}

/* Bounds of x where a*x + c is within b; a is not 0. */
static bounds solve_linear(bounds b, int64_t a, int64_t c) {
    bounds at = {b.lo == INT64_MIN ? INT64_MIN : sat_add(b.lo, -c), b.hi == INT64_MAX ? INT64_MAX : sat_add(b.hi, -c)};
    bounds out = {INT64_MIN, INT64_MAX};
    if (at.lo != INT64_MIN && a > 0) out.lo = ceil_div_i64(at.lo, a);
    if (at.lo != INT64_MIN && a < 0) out.hi = floor_div_i64(at.lo, a);
    if (at.hi != INT64_MAX && a > 0) out.hi = floor_div_i64(at.hi, a);
    if (at.hi != INT64_MAX && a < 0) out.lo = ceil_div_i64(at.hi, a);
    return out;
}

/* p as coefficient * *out_atom + *out_rest; false when it is anything else. */
static bool split_atom(dim_table *t, const dim_poly *p, int64_t *out_coefficient, dim *out_atom, int64_t *out_rest) {
    *out_atom = DIM_BAD, *out_rest = 0, *out_coefficient = 0;
    if (p->bad || p->n == 0 || p->n > 2) return false;
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->at[i].monic == DIM_ONE) {
            *out_rest = p->at[i].coef;
        } else if (*out_atom == DIM_BAD && monic_n_atoms(t, p->at[i].monic) == 1) {
            *out_atom = p->at[i].monic, *out_coefficient = p->at[i].coef;
        } else {
            return false;
        }
    }
    return *out_atom != DIM_BAD && is_small(*out_rest) && is_small(*out_coefficient);
}

/* p, or what is left when the product that divides every term, 1 at least, is divided out. */
static void divide_common(dim_table *t, const dim_poly *p, dim_poly *out) {
    dim_term common = poly_content(t, p);
    bool divides = p->n == 2 && common.monic != DIM_ONE && dim_lower(t, common.monic) >= 1;
    poly_init(out);
    out->bad = p->bad;
    for (uint32_t i = 0; i < p->n; i++) {
        dim monic = p->at[i].monic;
        if (divides) monic_divide(t, monic, common.monic, &monic);
        poly_add_term(t, out, p->at[i].coef, monic);
    }
}

/* p is within b. */
static bool solve(dim_table *t, dim_poly *p, bounds b, dim_range *out) {
    for (int depth = 0; depth < MAX_NESTED && is_exact(b); depth++) {
        int64_t coefficient, rest, divisor;
        dim atom;
        if (!split_atom(t, p, &coefficient, &atom, &rest)) return false;
        b = solve_linear(b, coefficient, rest);
        if (dim_is_sym(t, atom, &out->sym)) {
            out->lo = b.lo, out->hi = b.hi;
            return true;
        }
        bool is_quotient = dim_kind_of(t, atom) == DIM_FLOORDIV && dim_is_const(t, dim_arg(t, atom, 1), &divisor);
        if (!is_quotient || divisor < 1) return false;
        if (b.lo != INT64_MIN) b.lo = sat_mul(b.lo, divisor);
        if (b.hi != INT64_MAX) b.hi = sat_add(sat_mul(b.hi, divisor), divisor - 1);
        poly_of(t, dim_arg(t, atom, 0), p);
    }
    return false;
}

static bool solve_difference(dim_table *t, dim lhs, dim rhs, int64_t most, dim_range *out) {
    dim difference = lhs == DIM_BAD || rhs == DIM_BAD ? DIM_BAD : dim_sub(t, rhs, lhs);
    if (difference == DIM_BAD) return false;
    dim_poly whole, p;
    poly_of(t, difference, &whole);
    divide_common(t, &whole, &p);
    return solve(t, &p, (bounds){0, most}, out);
}

/* The rest of p behind term `at`, over -1 times its coefficient: what that term's product has to be for p to be 0. */
static dim solved_for(dim_table *t, const dim_poly *p, uint32_t at) {
    int64_t a = p->at[at].coef;
    dim_poly out;
    poly_init(&out);
    for (uint32_t i = 0; i < p->n; i++) {
        if (i == at) continue;
        if (!is_small(p->at[i].coef) || p->at[i].coef % a) return DIM_BAD;
        poly_add_term(t, &out, -(p->at[i].coef / a), p->at[i].monic);
    }
    return poly_make(t, &out);
}

bool dim_equal_as_order(dim_table *t, dim lhs, dim rhs, dim *out_lo, dim *out_hi) {
    dim difference = lhs == DIM_BAD || rhs == DIM_BAD ? DIM_BAD : dim_sub(t, rhs, lhs);
    if (difference == DIM_BAD) return false;
    dim_poly whole, p;
    poly_of(t, difference, &whole);
    divide_common(t, &whole, &p);
    for (uint32_t i = 0; i < p.n && !p.bad; i++) {
        dim end = p.at[i].monic;
        dim_kind kind = dim_kind_of(t, end);
        bool is_end = (kind == DIM_MIN || kind == DIM_MAX) && dim_n_args(t, end) == 2;
        dim x = is_end ? solved_for(t, &p, i) : DIM_BAD;
        for (uint32_t k = 0; x != DIM_BAD && k < 2; k++) {
            if (dim_arg(t, end, k) != x) continue;
            dim other = dim_arg(t, end, 1 - k);
            *out_lo = kind == DIM_MIN ? x : other;
            *out_hi = kind == DIM_MIN ? other : x;
            return true;
        }
    }
    return false;
}

bool dim_solve_equal(dim_table *t, dim lhs, dim rhs, dim_range *out) {
    dim lo, hi;
    if (dim_equal_as_order(t, lhs, rhs, &lo, &hi)) return dim_solve_at_most(t, lo, hi, out);
    return solve_difference(t, lhs, rhs, 0, out);
}

bool dim_solve_at_most(dim_table *t, dim lhs, dim rhs, dim_range *out) {
    return solve_difference(t, lhs, rhs, INT64_MAX, out);
}

const char *dim_range_text(arena *a, const char *name, int64_t lo, int64_t hi) {
    long long low = (long long)lo, high = (long long)hi;
    if (lo == hi) return arena_printf(a, "%s = %lld", name, low);
    if (lo == INT64_MIN) return arena_printf(a, "%s <= %lld", name, high);
    if (hi == INT64_MAX) return arena_printf(a, "%s >= %lld", name, low);
    return arena_printf(a, "%s in %lld..%lld", name, low, high);
}
