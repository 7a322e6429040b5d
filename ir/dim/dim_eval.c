/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Dims over values: evaluation, substitution, monotone majorants, and code for artifacts. */
#include "ir/dim/dim_impl.h"

/* --- evaluation --- */

static bool combine(dim_kind kind, int64_t a, int64_t b, int64_t *out) {
    switch (kind) {
    case DIM_SUM:
        return !__builtin_add_overflow(a, b, out);
    case DIM_PRODUCT:
        return !__builtin_mul_overflow(a, b, out);
    case DIM_FLOORDIV:
    case DIM_MOD:
        if (b == 0 || (a == INT64_MIN && b == -1)) return false;
        *out = kind == DIM_FLOORDIV ? floor_div_i64(a, b) : a - floor_div_i64(a, b) * b;
        return true;
    case DIM_MIN:
        return *out = a < b ? a : b, true;
    case DIM_MAX:
        return *out = a > b ? a : b, true;
    case DIM_CONST:
    case DIM_SYM:
        break;
    }
    return false;
}

static bool eval(const dim_table *t, dim d, const int64_t *values, int64_t *out) {
    const dim_node *x = dim_at(t, d);
    if (x->kind == DIM_CONST) return *out = x->value, true;
    if (x->kind == DIM_SYM) return *out = values[x->value], true;
    bool is_product = x->kind == DIM_PRODUCT;
    int64_t sum = is_product ? x->value : 0;
    for (uint32_t i = 0; i < x->n_args; i++) {
        int64_t v;
        if (!eval(t, dim_args(t, d)[i], values, &v)) return false;
        if (i == 0 && !is_product)
            sum = v;
        else if (!combine((dim_kind)x->kind, sum, v, &sum))
            return false;
    }
    *out = sum;
    return true;
}

frit_status dim_eval(cx *c, const dim_table *t, dim d, const int64_t *values, int64_t *out) {
    if (d == DIM_BAD) return FAIL(c, RANGE, NULL, "a dim expression leaves the 64-bit range");
    if (eval(t, d, values, out)) return FRIT_OK;
    return FAIL(c, RANGE, dim_text(c->job, t, d), "division by zero, or a value outside the 64-bit range");
}

/* --- rebuilding --- */

dim dim_combine(dim_table *t, dim_kind kind, dim a, dim b) {
    switch (kind) {
    case DIM_SUM:
        return dim_add(t, a, b);
    case DIM_PRODUCT:
        return dim_mul(t, a, b);
    case DIM_FLOORDIV:
        return dim_floordiv(t, a, b);
    case DIM_MOD:
        return dim_mod(t, a, b);
    case DIM_MIN:
        return dim_min(t, a, b);
    case DIM_MAX:
        return dim_max(t, a, b);
    case DIM_CONST:
    case DIM_SYM:
        break;
    }
    UNREACHABLE("a dim that is not an operation");
}

typedef struct subst {
    uint32_t n;
    const sym_id *syms;
    const dim *by;
    uint64_t sym_bits;
    map done; /* node -> result */
} subst;

static dim subst_node(dim_table *t, subst *s, dim d) {
    const dim_node x = *dim_at(t, d);
    if (!(x.sym_bits & s->sym_bits)) return d;
    if (x.kind == DIM_SYM) {
        for (uint32_t i = 0; i < s->n; i++)
            if (s->syms[i] == x.value) return s->by[i];
        return d;
    }
    uint32_t known;
    if (map_get(&s->done, &d, sizeof d, &known)) return known;
    dim result = x.kind == DIM_PRODUCT ? dim_const(t, x.value) : DIM_ZERO;
    for (uint32_t i = 0; i < x.n_args; i++) {
        dim arg = subst_node(t, s, dim_args(t, d)[i]);
        if (arg == DIM_BAD) return DIM_BAD;
        result = i == 0 && x.kind != DIM_PRODUCT ? arg : dim_combine(t, (dim_kind)x.kind, result, arg);
        if (result == DIM_BAD) return DIM_BAD;
    }
    map_set(&s->done, &d, sizeof d, result);
    return result;
}

dim dim_subst(dim_table *t, dim d, uint32_t n, const sym_id *syms, const dim *by) {
    if (d == DIM_BAD) return DIM_BAD;
    subst s = {.n = n, .syms = syms, .by = by, .done = {.a = t->a}};
    for (uint32_t i = 0; i < n; i++) s.sym_bits |= (uint64_t)1 << (syms[i] % 64);
    return subst_node(t, &s, d);
}

/* --- growth --- */

static bool all_grow(dim_table *t, dim d, sym_id s, int64_t least) {
    for (uint32_t i = 0; i < dim_at(t, d)->n_args; i++) {
        dim arg = dim_args(t, d)[i];
        if (dim_lower(t, arg) < least || !dim_grows(t, arg, s)) return false;
    }
    return true;
}

bool dim_grows(dim_table *t, dim d, sym_id s) {
    if (d == DIM_BAD || !dim_depends(t, d, s)) return d != DIM_BAD;
    switch ((dim_kind)dim_at(t, d)->kind) {
    case DIM_CONST:
    case DIM_SYM:
        return true;
    case DIM_SUM:
    case DIM_MIN:
    case DIM_MAX:
        return all_grow(t, d, s, INT64_MIN);
    case DIM_PRODUCT: /* of factors that are not negative */
        return dim_at(t, d)->value >= 0 && all_grow(t, d, s, dim_at(t, d)->n_args > 1 ? 0 : INT64_MIN);
    case DIM_FLOORDIV: {
        dim by = dim_args(t, d)[1];
        return !dim_depends(t, by, s) && dim_lower(t, by) >= 1 && dim_grows(t, dim_args(t, d)[0], s);
    }
    case DIM_MOD:
        return false;
    }
    return false;
}

/* --- majorant --- */

static dim majorant_of_factor(dim_table *t, dim d) {
    const dim *args = dim_args(t, d);
    switch ((dim_kind)dim_at(t, d)->kind) {
    case DIM_SYM: {
        const sym_info *info = t->syms.at[dim_at(t, d)->value];
        return info->extent == DIM_BAD ? d : dim_sub(t, dim_majorant(t, info->extent), DIM_ONE);
    }
    case DIM_FLOORDIV: {
        int64_t lo = dim_lower(t, args[1]), low_x = dim_lower(t, args[0]);
        if (dim_is_const(t, args[1], NULL) && lo >= 1) return dim_floordiv(t, dim_majorant(t, args[0]), args[1]);
        /* A quotient of a negative number grows with the divisor: its majorant is then zero at least. */
        dim q = dim_floordiv(t, dim_majorant(t, args[0]), dim_const(t, lo < 1 ? 1 : lo));
        return low_x < 0 ? dim_max(t, q, DIM_ZERO) : q;
    }
    case DIM_MOD:
        return dim_sub(t, dim_majorant(t, args[1]), DIM_ONE);
    case DIM_MIN:
    case DIM_MAX: {
        dim m = dim_majorant(t, args[0]);
        for (uint32_t i = 1; i < dim_at(t, d)->n_args; i++)
            m = dim_combine(t, (dim_kind)dim_at(t, d)->kind, m, dim_majorant(t, args[i]));
        return m;
    }
    case DIM_CONST:
    case DIM_SUM:
    case DIM_PRODUCT:
        break;
    }
    return d;
}

/* coef * monic: factors that may be negative, and negative coefficients, give way to constant bounds. */
static dim majorant_of_term(dim_table *t, dim_term x) {
    dim monic = x.monic;
    if (x.coef < 0) {
        int64_t lo = dim_lower(t, monic);
        return dim_mul(t, dim_const(t, x.coef), lo == INT64_MIN ? DIM_BAD : dim_const(t, lo));
    }
    dim product = dim_const(t, x.coef);
    uint32_t n = monic_n_atoms(t, monic);
    for (uint32_t i = 0; i < n; i++) {
        dim factor = monic_atoms(t, &monic)[i];
        if (n > 1 && dim_lower(t, factor) < 0) {
            int64_t hi = dim_upper(t, monic);
            return dim_mul(t, dim_const(t, x.coef), hi == INT64_MAX ? DIM_BAD : dim_const(t, hi));
        }
        product = dim_mul(t, product, majorant_of_factor(t, factor));
    }
    return product;
}

dim dim_majorant(dim_table *t, dim d) {
    dim_poly p;
    poly_of(t, d, &p);
    dim sum = p.bad ? DIM_BAD : DIM_ZERO;
    for (uint32_t i = 0; i < p.n; i++) sum = dim_add(t, sum, majorant_of_term(t, p.at[i]));
    return sum;
}

/* --- code --- */

typedef struct code_writer {
    arena *a;
    VEC(int64_t) words;
    const uint32_t *renumber;
} code_writer;

static const dim_code code_of[] = {
    [DIM_SUM] = DC_ADD, [DIM_PRODUCT] = DC_MUL, [DIM_FLOORDIV] = DC_FLOORDIV,
    [DIM_MOD] = DC_MOD, [DIM_MIN] = DC_MIN,     [DIM_MAX] = DC_MAX,
};

static void compile_node(code_writer *w, const dim_table *t, dim d) {
    dim_kind kind = dim_kind_of(t, d);
    if (kind == DIM_CONST || kind == DIM_SYM) {
        int64_t v = dim_at(t, d)->value;
        vec_push(w->a, w->words, kind == DIM_CONST ? DC_CONST : DC_SYM);
        vec_push(w->a, w->words, kind == DIM_SYM && w->renumber ? (int64_t)w->renumber[v] : v);
        return;
    }
    for (uint32_t i = 0; i < dim_n_args(t, d); i++) {
        compile_node(w, t, dim_arg(t, d, i));
        if (i > 0) vec_push(w->a, w->words, code_of[kind]);
    }
}

const int64_t *dim_compile(arena *a, const dim_table *t, dim d, const uint32_t *renumber, uint32_t *out_words) {
    code_writer w = {.a = a, .renumber = renumber};
    ASSERT(d != DIM_BAD);
    compile_node(&w, t, d);
    vec_push(a, w.words, DC_END);
    *out_words = w.words.n;
    return w.words.at;
}
