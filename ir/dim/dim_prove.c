/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The prover: a lower bound of a polynomial by eliminating its atoms one by one, innermost knowledge first.
 *
 * p = c*m + r is linear in the atom m, and l <= m <= u, so p >= min(p(l), p(u)), and only one of the two when the sign
 * of c is known. For m = x floordiv n the ends are (x - n + 1)/n and x/n, so n*p is bounded instead; for a loop axis
 * they are 0 and extent - 1. Atoms go before the symbols inside them, and symbols youngest first, because an axis's
 * extent may mention older axes. Every result is memoised with its node. */
#include "ir/dim/dim_impl.h"

#define FUEL      400u
#define MAX_ATOMS 24u

static int64_t negate(int64_t v) { return v == INT64_MIN ? INT64_MAX : v == INT64_MAX ? INT64_MIN : -v; }

int64_t dim_upper(dim_table *t, dim d) { return negate(dim_lower(t, dim_scale(t, d, -1))); }

/* Interval of a constant times an interval, infinities kept. */
typedef struct interval {
    int64_t lo, hi;
} interval;

static int64_t times(int64_t a, int64_t b) {
    if (a == 0 || b == 0) return 0;
    bool infinite = a == INT64_MIN || a == INT64_MAX || b == INT64_MIN || b == INT64_MAX;
    if (infinite) return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
    return sat_mul(a, b);
}

static interval interval_mul(interval a, interval b) {
    int64_t c[4] = {times(a.lo, b.lo), times(a.lo, b.hi), times(a.hi, b.lo), times(a.hi, b.hi)};
    interval r = {c[0], c[0]};
    for (int i = 1; i < 4; i++) {
        if (c[i] < r.lo) r.lo = c[i];
        if (c[i] > r.hi) r.hi = c[i];
    }
    return r;
}

static interval known_range(dim_table *t, dim d) { return (interval){dim_lower(t, d), dim_upper(t, d)}; }

static int64_t quotient_end(int64_t x, int64_t n) {
    if (x == INT64_MIN || x == INT64_MAX) return x;
    return n == INT64_MAX ? (x < 0 ? -1 : 0) : floor_div_i64(x, n);
}

/* Divisors are 1 at least where there is a quotient: by 0 a dim has no value. */
static interval divisors(interval n) { return n.lo == 0 && n.hi > 0 ? (interval){1, n.hi} : n; }

static interval quotient_range(interval x, interval n) {
    if (n.lo < 1) return (interval){INT64_MIN, INT64_MAX};
    return (interval){quotient_end(x.lo, x.lo < 0 ? n.lo : n.hi), quotient_end(x.hi, x.hi < 0 ? n.hi : n.lo)};
}

static interval mod_range(interval x, interval n) {
    if (n.lo < 1) return (interval){INT64_MIN, INT64_MAX};
    interval r = {0, n.hi == INT64_MAX ? n.hi : n.hi - 1};
    if (x.lo >= 0 && x.hi < r.hi) r.hi = x.hi;
    return r;
}

static interval symbol_range(dim_table *t, sym_id s) {
    const sym_info *info = t->syms.at[s];
    interval r = {info->lo, info->hi};
    if (info->extent == DIM_BAD) return r;
    int64_t top = dim_upper(t, info->extent);
    if (top != INT64_MAX && top - 1 < r.hi) r.hi = top > 0 ? top - 1 : 0;
    return r;
}

static interval extremum_range(dim_table *t, dim d) {
    bool is_min = dim_at(t, d)->kind == DIM_MIN;
    interval r = known_range(t, dim_args(t, d)[0]);
    for (uint32_t i = 1; i < dim_at(t, d)->n_args; i++) {
        interval x = known_range(t, dim_args(t, d)[i]);
        if (is_min ? x.lo < r.lo : x.lo > r.lo) r.lo = x.lo;
        if (is_min ? x.hi < r.hi : x.hi > r.hi) r.hi = x.hi;
    }
    return r;
}

static interval atom_range(dim_table *t, dim d) {
    const dim *args = dim_args(t, d);
    switch ((dim_kind)dim_at(t, d)->kind) {
    case DIM_SYM:
        return symbol_range(t, (sym_id)dim_at(t, d)->value);
    case DIM_FLOORDIV:
        return quotient_range(known_range(t, args[0]), divisors(known_range(t, args[1])));
    case DIM_MOD:
        return mod_range(known_range(t, args[0]), divisors(known_range(t, args[1])));
    case DIM_MIN:
    case DIM_MAX:
        return extremum_range(t, d);
    case DIM_CONST:
    case DIM_SUM:
    case DIM_PRODUCT:
        break;
    }
    UNREACHABLE("a dim that is not an atom");
}

/* The lower end by intervals alone: what is known of each atom, blind to what they share. */
static int64_t interval_lower(dim_table *t, const dim_poly *p) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        interval r = {p->at[i].coef, p->at[i].coef};
        for (uint32_t k = 0; k < monic_n_atoms(t, p->at[i].monic); k++)
            r = interval_mul(r, atom_range(t, monic_atoms(t, &p->at[i].monic)[k]));
        if (r.lo == INT64_MIN) return INT64_MIN;
        sum = sat_add(sum, r.lo);
    }
    return sum;
}

/* --- elimination --- */

/* The atoms of p in the order in which they may go: deepest first, then symbols youngest first. */
static uint32_t collect_atoms(dim_table *t, const dim_poly *p, dim atoms[MAX_ATOMS]) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        for (uint32_t k = 0; k < monic_n_atoms(t, p->at[i].monic); k++) {
            dim x = monic_atoms(t, &p->at[i].monic)[k];
            uint32_t at = 0;
            const dim_node *nx = dim_at(t, x);
            while (at < n) {
                const dim_node *ny = dim_at(t, atoms[at]);
                if (atoms[at] == x || ny->depth < nx->depth || (ny->depth == nx->depth && atoms[at] < x)) break;
                at++;
            }
            if ((at < n && atoms[at] == x) || n == MAX_ATOMS) continue;
            for (uint32_t j = n++; j > at; j--) atoms[j] = atoms[j - 1];
            atoms[at] = x;
        }
    }
    return n;
}

/* p == coeff * atom + rest; false when some product holds the atom twice. */
static bool split_linear(dim_table *t, const dim_poly *p, dim atom, dim_poly *coeff, dim_poly *rest) {
    poly_init(coeff);
    poly_init(rest);
    for (uint32_t i = 0; i < p->n; i++) {
        dim without, again;
        if (!monic_divide(t, p->at[i].monic, atom, &without)) {
            poly_add_term(t, rest, p->at[i].coef, p->at[i].monic);
            continue;
        }
        if (monic_divide(t, without, atom, &again)) return false;
        poly_add_term(t, coeff, p->at[i].coef, without);
    }
    return true;
}

/* One side of an atom: the candidates that bound it from below (or above), as numerators over a common den. */
typedef struct atom_ends {
    uint32_t n;
    bool all; /* the atom equals one of the candidates: the worst of them counts, not the best */
    dim den;  /* DIM_ONE but for floordiv */
    dim at[8];
} atom_ends;

static atom_ends constant_end(dim_table *t, int64_t v) {
    if (v == INT64_MIN || v == INT64_MAX) return (atom_ends){0};
    return (atom_ends){.n = 1, .den = DIM_ONE, .at = {dim_const(t, v)}};
}

static atom_ends symbol_end(dim_table *t, sym_id s, bool upper) {
    const sym_info *info = t->syms.at[s];
    if (!upper) return constant_end(t, info->lo);
    if (info->extent == DIM_BAD) return constant_end(t, info->hi);
    return (atom_ends){.n = 1, .den = DIM_ONE, .at = {dim_sub(t, info->extent, DIM_ONE)}};
}

static atom_ends extremum_end(dim_table *t, dim d, bool upper) {
    atom_ends e = {.den = DIM_ONE, .all = (dim_at(t, d)->kind == DIM_MIN) != upper};
    uint32_t n = dim_at(t, d)->n_args;
    if (n > countof(e.at) && e.all) return e;
    for (uint32_t i = 0; i < n && i < countof(e.at); i++) e.at[e.n++] = dim_args(t, d)[i];
    return e;
}

static atom_ends ends_of(dim_table *t, dim d, bool upper) {
    const dim *args = dim_args(t, d);
    switch ((dim_kind)dim_at(t, d)->kind) {
    case DIM_SYM:
        return symbol_end(t, (sym_id)dim_at(t, d)->value, upper);
    case DIM_FLOORDIV:
        if (dim_lower(t, args[1]) < 1) break;
        return (atom_ends){
            .n = 1, .den = args[1], .at = {upper ? args[0] : dim_add(t, dim_sub(t, args[0], args[1]), DIM_ONE)}};
    case DIM_MOD:
        if (dim_lower(t, args[1]) < 1) break;
        if (!upper) return (atom_ends){.n = 1, .den = DIM_ONE, .at = {DIM_ZERO}};
        return (atom_ends){
            .n = 1 + (dim_lower(t, args[0]) >= 0), .den = DIM_ONE, .at = {dim_sub(t, args[1], DIM_ONE), args[0]}};
    case DIM_MIN:
    case DIM_MAX:
        return extremum_end(t, d, upper);
    case DIM_CONST:
    case DIM_SUM:
    case DIM_PRODUCT:
        break;
    }
    return (atom_ends){0};
}

/* A lower bound of coeff * end / den + rest, den > 0. */
static int64_t lower_with(dim_table *t, dim coeff, dim rest, dim end, dim den) {
    dim scaled = dim_add(t, dim_mul(t, coeff, end), dim_mul(t, rest, den));
    int64_t k;
    if (scaled == DIM_BAD) return INT64_MIN;
    if (dim_is_const(t, den, &k)) {
        int64_t v = dim_lower(t, scaled);
        return v == INT64_MIN || v == INT64_MAX ? v : negate(floor_div_i64(negate(v), k));
    }
    dim slack = dim_add(t, scaled, dim_sub(t, den, DIM_ONE)); /* den * p > -den means p >= 0 for integers */
    return slack != DIM_BAD && dim_lower(t, slack) >= 0 ? 0 : INT64_MIN;
}

static int64_t lower_at_ends(dim_table *t, dim coeff, dim rest, const atom_ends *ends) {
    if (ends->n == 0) return INT64_MIN;
    int64_t result = 0;
    for (uint32_t i = 0; i < ends->n; i++) {
        if (ends->at[i] == DIM_BAD) return INT64_MIN;
        int64_t v = lower_with(t, coeff, rest, ends->at[i], ends->den);
        if (i == 0 || (ends->all ? v < result : v > result)) result = v;
    }
    return result;
}

static int64_t eliminate_atom(dim_table *t, dim atom, dim_poly *coeff, dim_poly *rest) {
    dim c = poly_make(t, coeff), r = poly_make(t, rest);
    if (c == DIM_BAD || r == DIM_BAD) return INT64_MIN;
    bool not_negative = dim_lower(t, c) >= 0, not_positive = !not_negative && dim_upper(t, c) <= 0;
    int64_t low = INT64_MAX, high = INT64_MAX;
    if (!not_positive) {
        atom_ends ends = ends_of(t, atom, false);
        low = lower_at_ends(t, c, r, &ends);
    }
    if (!not_negative && low > INT64_MIN) {
        atom_ends ends = ends_of(t, atom, true);
        high = lower_at_ends(t, c, r, &ends);
    }
    return low < high ? low : high;
}

/* q with the symbol `atom` replaced by the sum `by`, which may hold it again. */
static void poly_shift(dim_table *t, dim_poly *q, dim atom, const dim_poly *by) {
    dim_poly result, unit, product;
    poly_init(&result);
    result.bad = q->bad;
    for (uint32_t k = 0; k < q->n; k++) {
        dim monic = q->at[k].monic;
        uint32_t degree = 0;
        while (monic_divide(t, monic, atom, &monic)) degree++;
        poly_init(&unit);
        poly_add_term(t, &unit, q->at[k].coef, monic);
        for (; degree > 0; degree--) {
            poly_mul(t, &unit, by, &product);
            poly_init(&unit);
            poly_add(t, &unit, &product, 1);
        }
        poly_add(t, &result, &unit, 1);
    }
    poly_init(q);
    poly_add(t, q, &result, 1);
}

/* For a polynomial in symbols only, of higher degree: with each symbol written as its least value plus a number that is
 * not negative, coefficients that are all positive leave the constant term as the bound. */
static int64_t shifted_lower(dim_table *t, const dim_poly *p, uint32_t n_atoms, const dim *atoms) {
    dim_poly q;
    poly_init(&q);
    poly_add(t, &q, p, 1);
    for (uint32_t i = 0; i < n_atoms; i++) {
        const dim_node *x = dim_at(t, atoms[i]);
        if (x->kind != DIM_SYM || t->syms.at[x->value]->lo < 0) return INT64_MIN;
        dim_poly by;
        poly_of(t, atoms[i], &by);
        poly_add_term(t, &by, t->syms.at[x->value]->lo, DIM_ONE);
        poly_shift(t, &q, atoms[i], &by);
    }
    int64_t constant = 0;
    for (uint32_t k = 0; k < q.n; k++) {
        if (q.at[k].monic == DIM_ONE)
            constant = q.at[k].coef;
        else if (q.at[k].coef < 0)
            return INT64_MIN;
    }
    return q.bad ? INT64_MIN : constant;
}

static int64_t eliminated_lower(dim_table *t, const dim_poly *p) {
    dim atoms[MAX_ATOMS];
    uint32_t n = collect_atoms(t, p, atoms);
    if (n == 0 || n == MAX_ATOMS) return INT64_MIN;
    for (uint32_t i = 0; i < n; i++) {
        sym_id s;
        bool nested = false; /* a symbol that a remaining atom still mentions cannot be moved alone */
        for (uint32_t j = 0; j < n && dim_is_sym(t, atoms[i], &s); j++) nested |= j != i && dim_depends(t, atoms[j], s);
        dim_poly coeff, rest;
        if (!nested && split_linear(t, p, atoms[i], &coeff, &rest)) return eliminate_atom(t, atoms[i], &coeff, &rest);
    }
    return shifted_lower(t, p, n, atoms);
}

/* A single symbol or constant needs no search: its interval is exact. */
static bool is_simple(const dim_table *t, const dim_poly *p) {
    return p->n <= 1 && (p->n == 0 || p->at[0].monic == DIM_ONE || dim_at(t, p->at[0].monic)->kind == DIM_SYM);
}

int64_t dim_lower(dim_table *t, dim d) {
    if (d == DIM_BAD) return INT64_MIN;
    if (dim_at(t, d)->kind == DIM_CONST) return dim_at(t, d)->value;
    if (t->probes == 0) dim_refresh(t), t->fuel = FUEL;
    dim_node *x = &t->nodes.at[d];
    if (x->stamp == t->stamp) return x->lower;
    if (x->busy || t->fuel == 0) return INT64_MIN;
    x->busy = true;
    t->probes++, t->fuel--;
    dim_poly p;
    poly_of(t, d, &p);
    int64_t low = interval_lower(t, &p);
    if (!is_simple(t, &p)) {
        int64_t better = eliminated_lower(t, &p);
        if (better > low) low = better;
    }
    t->probes--;
    x = &t->nodes.at[d]; /* the table has grown meanwhile */
    x->busy = false, x->lower = low, x->stamp = t->stamp;
    return low;
}

/* --- queries --- */

void dim_bounds(dim_table *t, dim d, int64_t *out_lo, int64_t *out_hi) {
    *out_lo = dim_lower(t, d);
    *out_hi = d == DIM_BAD ? INT64_MAX : dim_upper(t, d);
}

bool dim_le(dim_table *t, dim a, dim b) {
    if (a == DIM_BAD || b == DIM_BAD) return false;
    return a == b || dim_lower(t, dim_sub(t, b, a)) >= 0;
}

bool dim_lt(dim_table *t, dim a, dim b) {
    if (a == DIM_BAD || b == DIM_BAD || a == b) return false;
    return dim_lower(t, dim_sub(t, b, a)) >= 1 || dim_lower(t, dim_sub(t, dim_sub(t, b, a), DIM_ONE)) >= 0;
}

bool dim_equal(dim_table *t, dim a, dim b) {
    if (a == DIM_BAD || b == DIM_BAD) return false;
    if (a == b) return true;
    dim difference = dim_sub(t, a, b);
    return difference == DIM_ZERO || (dim_le(t, a, b) && dim_le(t, b, a));
}

bool dim_never_equal(dim_table *t, dim a, dim b) {
    if (a == DIM_BAD || b == DIM_BAD || a == b) return false;
    if (dim_lt(t, a, b) || dim_lt(t, b, a)) return true;
    dim_poly p; /* a - b == k*(..) + c with c no multiple of k */
    poly_of(t, dim_sub(t, a, b), &p);
    int64_t c = 0;
    if (p.bad) return false;
    for (uint32_t i = 0; i < p.n; i++)
        if (p.at[i].monic == DIM_ONE) c = p.at[i].coef;
    poly_add_term(t, &p, -c, DIM_ONE);
    int64_t k = poly_content(t, &p).coef;
    return c != 0 && k > 1 && c % k != 0;
}

bool dim_divides(dim_table *t, dim divisor, dim d) {
    dim rest = dim_mod(t, d, divisor);
    return rest == DIM_ZERO || (rest != DIM_BAD && dim_lower(t, rest) == 0 && dim_upper(t, rest) == 0);
}

bool dim_div_exact(dim_table *t, dim d, dim divisor, dim *out) {
    if (d == DIM_BAD || divisor == DIM_BAD || divisor == DIM_ZERO) return false;
    if (d == divisor) return *out = DIM_ONE, true;
    dim quot, rest;
    dim_split(t, d, divisor, &quot, &rest);
    if (rest != DIM_ZERO) return false;
    *out = quot;
    return true;
}

bool dim_linear(dim_table *t, dim d, sym_id s, dim *out_coeff, dim *out_rest) {
    if (d == DIM_BAD) return false;
    dim_poly p, coeff, rest;
    poly_of(t, d, &p);
    if (!split_linear(t, &p, dim_of_sym(t, s), &coeff, &rest)) return false;
    *out_coeff = poly_make(t, &coeff);
    *out_rest = poly_make(t, &rest);
    return !dim_depends(t, *out_coeff, s) && !dim_depends(t, *out_rest, s);
}
