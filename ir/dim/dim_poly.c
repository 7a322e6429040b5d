/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Dims as polynomials: sums of integer multiples of products of atoms. */
#include <string.h>

#include "ir/dim/dim_impl.h"

void poly_init(dim_poly *p) { p->n = 0, p->cap = countof(p->small), p->bad = false, p->at = p->small; }

static void reserve(dim_table *t, dim_poly *p) {
    if (p->n < p->cap) return;
    dim_term *bigger = ARENA_ARRAY(t->a, dim_term, p->cap * 2);
    memcpy(bigger, p->at, p->n * sizeof *bigger);
    p->at = bigger, p->cap *= 2;
}

void poly_add_term(dim_table *t, dim_poly *p, int64_t coef, dim monic) {
    if (coef == 0 || p->bad) return;
    uint32_t i = 0;
    while (i < p->n && p->at[i].monic != monic && dim_order(t, p->at[i].monic, monic) < 0) i++;
    if (i < p->n && p->at[i].monic == monic) {
        p->bad |= __builtin_add_overflow(p->at[i].coef, coef, &p->at[i].coef);
        if (p->at[i].coef == 0) memmove(p->at + i, p->at + i + 1, (--p->n - i) * sizeof *p->at);
        return;
    }
    if (p->n >= DIM_MAX_TERMS) {
        p->bad = true;
        return;
    }
    reserve(t, p);
    memmove(p->at + i + 1, p->at + i, (p->n++ - i) * sizeof *p->at);
    p->at[i] = (dim_term){coef, monic};
}

void poly_add(dim_table *t, dim_poly *p, const dim_poly *q, int64_t scale) {
    p->bad |= q->bad;
    for (uint32_t i = 0; i < q->n; i++) {
        int64_t coef;
        p->bad |= __builtin_mul_overflow(q->at[i].coef, scale, &coef);
        poly_add_term(t, p, coef, q->at[i].monic);
    }
}

static dim_term term_of(const dim_table *t, dim d) {
    const dim_node *x = dim_at(t, d);
    if (x->kind == DIM_CONST) return (dim_term){x->value, DIM_ONE};
    if (x->kind == DIM_PRODUCT) return (dim_term){x->value, x->monic};
    return (dim_term){1, d};
}

void poly_of(dim_table *t, dim d, dim_poly *out) {
    poly_init(out);
    if (d == DIM_BAD) {
        out->bad = true;
        return;
    }
    bool is_sum = dim_at(t, d)->kind == DIM_SUM;
    uint32_t n = is_sum ? dim_at(t, d)->n_args : 1;
    for (uint32_t i = 0; i < n; i++) { /* already in order */
        dim_term term = term_of(t, is_sum ? dim_args(t, d)[i] : d);
        if (term.coef == 0) continue;
        reserve(t, out);
        out->at[out->n++] = term;
    }
}

uint32_t monic_n_atoms(const dim_table *t, dim monic) {
    if (monic == DIM_ONE) return 0;
    return dim_at(t, monic)->kind == DIM_PRODUCT ? dim_at(t, monic)->n_args : 1;
}

const dim *monic_atoms(const dim_table *t, const dim *monic) {
    return dim_at(t, *monic)->kind == DIM_PRODUCT ? dim_args(t, *monic) : monic;
}

static dim monic_from(dim_table *t, uint32_t n, const dim *atoms) {
    if (n == 0) return DIM_ONE;
    return n == 1 ? atoms[0] : dim_intern(t, DIM_PRODUCT, 1, n, atoms);
}

#define MAX_DEGREE 32u /* products of more atoms become DIM_BAD */

dim monic_mul(dim_table *t, dim a, dim b) {
    if (a == DIM_ONE) return b;
    if (b == DIM_ONE) return a;
    uint32_t na = monic_n_atoms(t, a), nb = monic_n_atoms(t, b), i = 0, j = 0, n = 0;
    if (na + nb > MAX_DEGREE) return DIM_BAD;
    const dim *x = monic_atoms(t, &a), *y = monic_atoms(t, &b);
    dim atoms[MAX_DEGREE];
    while (i < na || j < nb) {
        bool take_x = j == nb || (i < na && dim_order(t, x[i], y[j]) <= 0);
        atoms[n++] = take_x ? x[i++] : y[j++];
    }
    return monic_from(t, n, atoms);
}

bool monic_divide(dim_table *t, dim monic, dim divisor, dim *out) {
    if (divisor == DIM_ONE) return *out = monic, true;
    uint32_t n = monic_n_atoms(t, monic), m = monic_n_atoms(t, divisor), j = 0, kept = 0;
    if (m > n) return false;
    const dim *x = monic_atoms(t, &monic), *y = monic_atoms(t, &divisor);
    dim atoms[MAX_DEGREE];
    for (uint32_t i = 0; i < n; i++) { /* both are sorted */
        if (j < m && x[i] == y[j])
            j++;
        else
            atoms[kept++] = x[i];
    }
    if (j < m) return false;
    *out = monic_from(t, kept, atoms);
    return true;
}

void poly_mul(dim_table *t, const dim_poly *p, const dim_poly *q, dim_poly *out) {
    poly_init(out);
    out->bad = p->bad || q->bad;
    for (uint32_t i = 0; i < p->n; i++) {
        for (uint32_t j = 0; j < q->n && !out->bad; j++) {
            int64_t coef = 0;
            dim monic = monic_mul(t, p->at[i].monic, q->at[j].monic);
            out->bad |= monic == DIM_BAD || __builtin_mul_overflow(p->at[i].coef, q->at[j].coef, &coef);
            if (!out->bad) poly_add_term(t, out, coef, monic);
        }
    }
}

static int64_t gcd_i64(int64_t a, int64_t b) {
    uint64_t x = a < 0 ? 0 - (uint64_t)a : (uint64_t)a, y = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
    while (y) {
        uint64_t r = x % y;
        x = y, y = r;
    }
    return x > INT64_MAX ? 1 : (int64_t)x;
}

dim_term poly_content(dim_table *t, const dim_poly *p) {
    dim_term c = {0, DIM_ONE};
    for (uint32_t i = 0; i < p->n; i++) c.coef = gcd_i64(c.coef, p->at[i].coef);
    if (p->n == 0) return (dim_term){1, DIM_ONE};
    dim first = p->at[0].monic;
    uint32_t n = monic_n_atoms(t, first), kept = 0;
    dim atoms[MAX_DEGREE];
    for (uint32_t k = 0; k < n; k++) { /* an atom counts as often as it divides every term */
        atoms[kept] = monic_atoms(t, &first)[k];
        dim candidate = monic_from(t, kept + 1, atoms), rest;
        bool in_all = true;
        for (uint32_t i = 1; i < p->n && in_all; i++) in_all = monic_divide(t, p->at[i].monic, candidate, &rest);
        kept += in_all;
    }
    c.monic = monic_from(t, kept, atoms);
    return c;
}

/* --- joining: x floordiv n and x mod n of one sum --- */

static uint32_t find_term(const dim_poly *p, int64_t coef, dim monic) {
    for (uint32_t i = 0; i < p->n; i++)
        if (p->at[i].monic == monic && p->at[i].coef == coef) return i;
    return UINT32_MAX;
}

/* scale * monic * d1 * d2, either of which may be any dim. */
static void poly_product(dim_table *t, dim_term scale, dim d1, dim d2, dim_poly *out) {
    dim_poly a, b, c;
    poly_of(t, d1, &a);
    poly_of(t, d2, &b);
    poly_mul(t, &a, &b, &c);
    poly_init(&a);
    poly_add_term(t, &a, scale.coef, scale.monic);
    poly_mul(t, &a, &c, out);
}

/* c*(x mod n) + c*n*(x floordiv n) -> c*x, given quot = x floordiv n. */
static bool join_quotient(dim_table *t, dim_poly *p, dim_term rest, dim mod, dim quot) {
    dim x = dim_args(t, mod)[0], n = dim_args(t, mod)[1];
    dim_poly whole, replaced;
    poly_product(t, rest, quot, n, &whole);
    if (whole.bad || whole.n == 0) return false;
    for (uint32_t i = 0; i < whole.n; i++)
        if (find_term(p, whole.at[i].coef, whole.at[i].monic) == UINT32_MAX) return false;
    poly_add(t, p, &whole, -1);
    poly_add_term(t, p, -rest.coef, monic_mul(t, rest.monic, mod));
    poly_product(t, rest, x, DIM_ONE, &replaced);
    poly_add(t, p, &replaced, 1);
    return true;
}

/* c*(x mod n) + c*n*((x floordiv n) mod a) -> c*(x mod (a*n)), given quot = x floordiv n. */
static bool join_mods(dim_table *t, dim_poly *p, dim_term rest, dim mod, dim quot) {
    dim x = dim_args(t, mod)[0], n = dim_args(t, mod)[1];
    for (uint32_t i = 0; i < p->n; i++) {
        dim monic = p->at[i].monic;
        for (uint32_t k = 0; k < monic_n_atoms(t, monic); k++) {
            dim other = monic_atoms(t, &monic)[k];
            if (dim_at(t, other)->kind != DIM_MOD || dim_args(t, other)[0] != quot) continue;
            dim_poly part, replaced;
            poly_product(t, rest, n, other, &part);
            if (part.bad || part.n != 1 || find_term(p, part.at[0].coef, part.at[0].monic) == UINT32_MAX) continue;
            dim joined = dim_mod(t, x, dim_mul(t, n, dim_args(t, other)[1]));
            if (joined == DIM_BAD) continue;
            poly_add(t, p, &part, -1);
            poly_add_term(t, p, -rest.coef, monic_mul(t, rest.monic, mod));
            poly_product(t, rest, joined, DIM_ONE, &replaced);
            poly_add(t, p, &replaced, 1);
            return true;
        }
    }
    return false;
}

static bool join_term(dim_table *t, dim_poly *p, dim_term term) {
    for (uint32_t k = 0; k < monic_n_atoms(t, term.monic); k++) {
        dim mod = monic_atoms(t, &term.monic)[k], quot;
        if (dim_at(t, mod)->kind != DIM_MOD) continue;
        dim_term rest = {term.coef, DIM_ONE};
        monic_divide(t, term.monic, mod, &rest.monic);
        const dim *args = dim_args(t, mod);
        /* Inside a proof only quotients that exist are joined: building one may start another proof. */
        if (t->probes == 0)
            quot = dim_floordiv(t, args[0], args[1]);
        else if (!dim_lookup(t, DIM_FLOORDIV, 0, 2, args, &quot))
            continue;
        if (quot == DIM_BAD) continue;
        if (join_quotient(t, p, rest, mod, quot)) return true;
        if (t->probes == 0 && join_mods(t, p, rest, mod, quot)) return true;
    }
    return false;
}

static void join(dim_table *t, dim_poly *p) {
    if (p->n < 2) return;
    for (uint32_t i = 0; i < p->n && !p->bad; i++)
        if (dim_at(t, p->at[i].monic)->has_mod && join_term(t, p, p->at[i])) i = UINT32_MAX; /* from the start */
}

static dim term_make(dim_table *t, dim_term term) {
    if (term.monic == DIM_ONE) return dim_const(t, term.coef);
    if (term.coef == 1) return term.monic;
    return dim_intern(t, DIM_PRODUCT, term.coef, monic_n_atoms(t, term.monic), monic_atoms(t, &term.monic));
}

dim poly_make(dim_table *t, dim_poly *p) {
    if (!p->bad) join(t, p);
    if (p->bad) return DIM_BAD;
    if (p->n == 0) return DIM_ZERO;
    if (p->n == 1) return term_make(t, p->at[0]);
    dim small[16], *terms = p->n <= countof(small) ? small : ARENA_ARRAY(t->a, dim, p->n);
    for (uint32_t i = 0; i < p->n; i++) terms[i] = term_make(t, p->at[i]);
    return dim_intern(t, DIM_SUM, 0, p->n, terms);
}

/* --- the ring operations --- */

static dim add_scaled(dim_table *t, dim a, dim b, int64_t scale) {
    dim_poly p, q;
    poly_of(t, a, &p);
    poly_of(t, b, &q);
    poly_add(t, &p, &q, scale);
    return poly_make(t, &p);
}

dim dim_add(dim_table *t, dim a, dim b) {
    dim known;
    if (a == DIM_BAD || b == DIM_BAD) return DIM_BAD;
    if (a == DIM_ZERO) return b;
    if (b == DIM_ZERO) return a;
    if (dim_recall(t, DOP_ADD, a, b, &known)) return known;
    return dim_remember(t, DOP_ADD, a, b, add_scaled(t, a, b, 1));
}

dim dim_sub(dim_table *t, dim a, dim b) {
    dim known;
    if (a == DIM_BAD || b == DIM_BAD) return DIM_BAD;
    if (b == DIM_ZERO) return a;
    if (a == b) return DIM_ZERO;
    if (dim_recall(t, DOP_SUB, a, b, &known)) return known;
    return dim_remember(t, DOP_SUB, a, b, add_scaled(t, a, b, -1));
}

dim dim_mul(dim_table *t, dim a, dim b) {
    dim known;
    if (a == DIM_BAD || b == DIM_BAD) return DIM_BAD;
    if (a == DIM_ONE || b == DIM_ZERO) return b;
    if (b == DIM_ONE || a == DIM_ZERO) return a;
    if (dim_recall(t, DOP_MUL, a, b, &known)) return known;
    dim_poly p, q, r;
    poly_of(t, a, &p);
    poly_of(t, b, &q);
    poly_mul(t, &p, &q, &r);
    return dim_remember(t, DOP_MUL, a, b, poly_make(t, &r));
}

dim dim_scale(dim_table *t, dim d, int64_t k) {
    return k == -1 ? dim_sub(t, DIM_ZERO, d) : dim_mul(t, d, dim_const(t, k));
}

dim dim_product(dim_table *t, uint32_t n, const dim *d) {
    dim p = DIM_ONE;
    for (uint32_t i = 0; i < n; i++) p = dim_mul(t, p, d[i]);
    return p;
}
