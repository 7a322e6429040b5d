/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Result types: dispatch, the shared helpers of infer.h, and the operators that need only those: constants,
 * elementwise, reductions. The rest is in infer_view.c, infer_data.c, infer_model.c and infer_region.c. */
#include "ir/graph/infer.h"

#include <string.h>

enum { MAX_PARTS = 32 }; /* sizes that one extent is made of */

/* Elementwise rows share one function; for every other row a missing infer_<op> does not link. */
static infer_fn infer_elementwise;
enum {
    EW = OPF_EW,
    CORE = 0,
    VIEW = 0,
    COMM = 0,
    CMP = 0,
    FLT = 0,
    INTG = 0,
    LOGIC = 0,
    REGION = 0,
    NOCSE = 0,
    SLOW = 0
};
static infer_fn *const infer_table[N_OPS] = {
#define OP(name, attrs, lo, hi, n_out, flags, ...) ((flags)&EW) ? infer_elementwise : infer_##name,
#include "ir/ops.def"
#undef OP
};

frit_status graph_infer(cx *c, const infer_args *a, tensor_type *out_types, uint32_t *out_n) {
    *out_n = op_info_of(a->op)->n_out;
    TRY(infer_table[a->op](c, a, out_types, out_n));
    for (uint32_t i = 0; i < *out_n; i++) {
        if (out_types[i].rank > MAX_RANK)
            return infer_fail(c, a, FRIT_SHAPE, "the result has rank %u, the most is %d", out_types[i].rank, MAX_RANK);
        for (uint32_t k = 0; k < out_types[i].rank; k++) {
            dim d = out_types[i].shape[k];
            if (d == DIM_BAD) return infer_fail(c, a, FRIT_RANGE, "dim %u of the result overflows 64 bits", k);
            TRY(infer_at_most(c, a, infer_int(a, 0), d, "an extent is negative"));
        }
    }
    return FRIT_OK;
}

frit_status infer_fail(cx *c, const infer_args *a, frit_status code, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(c->job, fmt, ap);
    va_end(ap);
    const char *loc = a->g->locs.at[a->loc];
    return cx_fail(c, code, loc[0] ? loc : NULL, "%s: %s", op_name(a->op), text);
}

const char *infer_dim(const infer_args *a, dim d) { return dim_text(a->g->a, a->g->dims, d); }

const char *infer_shape(const infer_args *a, const tensor_type *t) {
    strbuf b = {.a = a->g->a};
    strbuf_addc(&b, '[');
    for (uint32_t i = 0; i < t->rank; i++) {
        if (i) strbuf_add(&b, ", ");
        dim_print(&b, a->g->dims, t->shape[i]);
    }
    strbuf_addc(&b, ']');
    return strbuf_text(&b);
}

dim *infer_new_shape(const infer_args *a, uint32_t rank) { return ARENA_ARRAY(a->g->a, dim, rank ? rank : 1); }

frit_status infer_result(cx *c, const infer_args *a, tensor_type *out, tensor_type t) {
    if (t.rank > MAX_RANK)
        return infer_fail(c, a, FRIT_SHAPE, "the result has rank %u, the most is %d", t.rank, MAX_RANK);
    *out = t;
    return FRIT_OK;
}

frit_status infer_axis(cx *c, const infer_args *a, int64_t *axis, uint32_t rank) {
    int64_t r = rank;
    if (*axis < -r || *axis >= r)
        return infer_fail(c, a, FRIT_RANGE, "axis %lld is outside rank %u", (long long)*axis, rank);
    if (*axis < 0) *axis += r;
    return FRIT_OK;
}

frit_status infer_axes(cx *c, const infer_args *a, int_list *axes, uint32_t rank) {
    int64_t *at = ARENA_ARRAY(a->g->a, int64_t, axes->n ? axes->n : 1);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < axes->n; i++) {
        at[i] = axes->at[i];
        TRY(infer_axis(c, a, &at[i], rank));
        if (seen >> at[i] & 1) return infer_fail(c, a, FRIT_RANGE, "axis %lld is named twice", (long long)at[i]);
        seen |= 1u << at[i];
    }
    axes->at = at;
    return FRIT_OK;
}

frit_status infer_ints(cx *c, const infer_args *a, int_list *l, const char *name, uint32_t n, int64_t fill,
                       int64_t lo) {
    if (l->n == 0 && n) *l = int_list_fill(a->g->a, n, fill);
    if (l->n != n) return infer_fail(c, a, FRIT_SHAPE, "%s has %u entries, needs %u", name, l->n, n);
    for (uint32_t i = 0; i < n; i++)
        if (l->at[i] < lo || l->at[i] > INT32_MAX)
            return infer_fail(c, a, FRIT_RANGE, "%s[%u] is %lld, outside %lld..%d", name, i, (long long)l->at[i],
                              (long long)lo, INT32_MAX);
    return FRIT_OK;
}

frit_status infer_match(cx *c, const infer_args *a, dim x, dim y, const char *what) {
    dim_table *t = a->g->dims;
    if (x == DIM_BAD || y == DIM_BAD) return infer_fail(c, a, FRIT_RANGE, "%s overflow 64 bits", what);
    if (dim_equal(t, x, y)) return FRIT_OK;
    const char *xt = infer_dim(a, x), *yt = infer_dim(a, y);
    if (dim_never_equal(t, x, y)) return infer_fail(c, a, FRIT_SHAPE, "%s %s and %s differ", what, xt, yt);
    const char *loc = a->g->locs.at[a->loc];
    const char *text = arena_printf(a->g->a, "%s%s%s: %s %s and %s must be equal", loc, loc[0] ? ": " : "",
                                    op_name(a->op), what, xt, yt);
    return graph_require(c, a->g, x, y, CK_EQUAL, text);
}

frit_status infer_at_most(cx *c, const infer_args *a, dim lo, dim hi, const char *what) {
    if (lo == DIM_BAD || hi == DIM_BAD) return infer_fail(c, a, FRIT_RANGE, "a dim overflows 64 bits");
    if (dim_le(a->g->dims, lo, hi)) return FRIT_OK;
    const char *loc = a->g->locs.at[a->loc];
    const char *text = arena_printf(a->g->a, "%s%s%s: %s", loc, loc[0] ? ": " : "", op_name(a->op), what);
    return graph_require(c, a->g, lo, hi, CK_AT_MOST, text);
}

frit_status infer_not_empty(cx *c, const infer_args *a, dim n, dim extent) {
    return infer_at_most(c, a, dim_min(a->g->dims, n, infer_int(a, 1)), extent, "the axis has no elements");
}

frit_status infer_same_dtype(cx *c, const infer_args *a, uint32_t first, uint32_t n) {
    for (uint32_t i = 1; i < n; i++) {
        dtype x = infer_in(a, first)->dt, y = infer_in(a, first + i)->dt;
        if (x != y)
            return infer_fail(c, a, FRIT_TYPE, "operands %u and %u are %s and %s", first, first + i, dtype_name(x),
                              dtype_name(y));
    }
    return FRIT_OK;
}

frit_status infer_rank_is(cx *c, const infer_args *a, uint32_t operand, uint32_t rank) {
    const tensor_type *t = infer_in(a, operand);
    if (t->rank == rank) return FRIT_OK;
    return infer_fail(c, a, FRIT_SHAPE, "operand %u is %s, its rank must be %u", operand, infer_shape(a, t), rank);
}

frit_status infer_index_dtype(cx *c, const infer_args *a, uint32_t operand) {
    dtype dt = infer_in(a, operand)->dt;
    if (dtype_is_integer(dt)) return FRIT_OK;
    return infer_fail(c, a, FRIT_TYPE, "the indices are %s, not integers", dtype_name(dt));
}

/* Whether other contracts say that `part` is `whole` or 1: it is one of the sizes that made that extent. */
static bool is_part(const graph *g, dim part, dim whole, uint32_t depth) {
    if (part == whole) return true;
    for (uint32_t i = 0; i < g->contracts.n && depth < MAX_PARTS; i++) {
        const contract *k = &g->contracts.at[i];
        if (k->kind != CK_BROADCASTS || dim_broadcast(g->dims, k->lhs, k->rhs) != whole) continue;
        if (k->lhs != whole && is_part(g, part, k->lhs, depth + 1)) return true;
        if (k->rhs != whole && is_part(g, part, k->rhs, depth + 1)) return true;
    }
    return false;
}

/* Records what two sizes that may differ by one of them being 1 must satisfy. */
static frit_status require_fit(cx *c, const infer_args *a, dim x, dim y, contract_kind kind, const char *what) {
    graph *g = a->g;
    if (x == DIM_BAD || y == DIM_BAD) return infer_fail(c, a, FRIT_RANGE, "%s overflow 64 bits", what);
    if (dim_equal(g->dims, x, y) || is_part(g, x, y, 0)) return FRIT_OK;
    if (kind == CK_BROADCASTS && is_part(g, y, x, 0)) return FRIT_OK;
    dim one = infer_int(a, 1);
    bool may_be_one = !dim_never_equal(g->dims, x, one) || (kind == CK_BROADCASTS && !dim_never_equal(g->dims, y, one));
    if (!may_be_one) return infer_match(c, a, x, y, what);
    const char *loc = g->locs.at[a->loc];
    const char *text = arena_printf(g->a, "%s%s%s: %s", loc, loc[0] ? ": " : "", op_name(a->op), what);
    if (g->is_case && graph_may_assume_equal(g, x, y)) kind = CK_ASSUMED;
    return graph_require(c, g, x, y, kind, text);
}

/* One axis of broadcasting. Of sizes that a case takes for equal, a constant wins over a symbol. */
static frit_status broadcast_dim(cx *c, const infer_args *a, dim x, dim y, dim *out) {
    dim_table *t = a->g->dims;
    dim one = infer_int(a, 1);
    *out = dim_equal(t, x, one) ? y : x;
    if (*out == y || dim_equal(t, y, one) || dim_equal(t, x, y)) return FRIT_OK;
    bool is_assumed = a->g->is_case && graph_may_assume_equal(a->g, x, y);
    *out = !is_assumed ? dim_broadcast(t, x, y) : dim_is_const(t, y, NULL) ? y : x;
    return require_fit(c, a, x, y, CK_BROADCASTS, "sizes");
}

frit_status infer_join(cx *c, const infer_args *a, const tensor_type *x, const tensor_type *y, dim *out,
                       uint32_t *out_rank) {
    const tensor_type *wide = x->rank >= y->rank ? x : y, *thin = wide == x ? y : x;
    uint32_t rank = wide->rank, shift = rank - thin->rank;
    dim result[MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) {
        result[i] = wide->shape[i];
        if (i >= shift) TRY(broadcast_dim(c, a, wide->shape[i], thin->shape[i - shift], &result[i]));
    }
    memcpy(out, result, rank * sizeof *out);
    *out_rank = rank;
    return FRIT_OK;
}

frit_status infer_broadcasts_to(cx *c, const infer_args *a, const tensor_type *x, const tensor_type *t,
                                const char *what) {
    bool fits = x->rank <= t->rank;
    for (uint32_t i = 0; fits && i < x->rank; i++) {
        dim have = x->shape[x->rank - 1 - i], want = t->shape[t->rank - 1 - i];
        if (!dim_equal(a->g->dims, have, infer_int(a, 1))) TRY(require_fit(c, a, have, want, CK_EXPANDS, what));
    }
    if (fits) return FRIT_OK;
    return infer_fail(c, a, FRIT_SHAPE, "%s: %s does not broadcast to %s", what, infer_shape(a, x), infer_shape(a, t));
}

dim infer_window_extent(const infer_args *a, dim d, const window_dim *w) {
    dim_table *t = a->g->dims;
    int64_t reach = 0;
    if (__builtin_mul_overflow(w->dilation, w->size - 1, &reach) || reach > INT32_MAX) return DIM_BAD;
    dim stride = dim_const(t, w->stride);
    dim room = dim_add(t, d, dim_const(t, w->lo + w->hi - reach - 1));
    if (!w->ceil) return dim_add(t, dim_floordiv(t, room, stride), dim_const(t, 1));
    dim up = dim_add(t, dim_ceildiv(t, room, stride), dim_const(t, 1));
    dim starts = dim_ceildiv(t, dim_add(t, d, dim_const(t, w->lo)), stride);
    return dim_min(t, up, starts);
}

dim infer_result_symbol(const infer_args *a, const char *base, dim bound) {
    dim_table *t = a->g->dims;
    sym_id found = SYM_NONE;
    const char *name = base;
    for (uint32_t i = 0; dim_sym_find(t, name, &found); i++) name = arena_printf(a->g->a, "%s_%u", base, i);
    dim d = dim_sym(t, name);
    infer_bound_result(a, d, bound);
    return d;
}

void infer_bound_result(const infer_args *a, dim symbol, dim bound) {
    dim_table *t = a->g->dims;
    sym_id s;
    if (!dim_is_sym(t, symbol, &s) || dim_sym_info(t, s)->extent != DIM_BAD) return;
    sym_info *info = dim_sym_info(t, s);
    bool is_fresh = info->kind != SYM_RESULT;
    if (bound == DIM_BAD) bound = dim_const(t, info->hi);
    int64_t lo = 0, hi = 0;
    dim_bounds(t, bound, &lo, &hi);
    if (is_fresh || info->hi > hi) info->hi = hi;
    info->kind = SYM_RESULT;
    info->lo = 0;
    info->extent = dim_add(t, bound, dim_const(t, 1));
}

static frit_status elementwise_dtype(cx *c, const infer_args *a, dtype dt) {
    const char *want = NULL;
    bool is_bool = dtype_kind_of(dt) == DTYPE_BOOL;
    bool any = op_is(a->op, OPF_CMP) || op_is(a->op, OPF_LOGIC) || a->op == OP_select || a->op == OP_cast ||
               a->op == OP_bitcast;
    if (op_is(a->op, OPF_FLT) && !dtype_is_float(dt)) want = "a float type";
    if (op_is(a->op, OPF_INTG) && !dtype_is_integer(dt)) want = "an integer type";
    if (op_is(a->op, OPF_LOGIC) && !is_bool && !dtype_is_integer(dt)) want = "bool or an integer type";
    if (!any && is_bool) want = "a number type";
    if (!want) return FRIT_OK;
    return infer_fail(c, a, FRIT_TYPE, "needs %s, got %s", want, dtype_name(dt));
}

static frit_status elementwise_result(cx *c, const infer_args *a, dtype dt, dtype *out) {
    *out = op_is(a->op, OPF_CMP) ? FRIT_DT_BOOL : dt;
    if (a->op != OP_cast && a->op != OP_bitcast) return FRIT_OK;
    dtype to = ((const attr_cast *)a->attrs)->to;
    *out = to;
    if (to == FRIT_DT_NONE) return infer_fail(c, a, FRIT_TYPE, "has no 'to' type");
    if (a->op == OP_bitcast && dtype_bits(to) != dtype_bits(dt))
        return infer_fail(c, a, FRIT_TYPE, "%s and %s differ in width", dtype_name(dt), dtype_name(to));
    return FRIT_OK;
}

static frit_status infer_elementwise(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    uint32_t first = a->op == OP_select;
    if (first && infer_in(a, 0)->dt != FRIT_DT_BOOL)
        return infer_fail(c, a, FRIT_TYPE, "the condition is %s, not bool", dtype_name(infer_in(a, 0)->dt));
    dtype dt = infer_in(a, first)->dt, result = FRIT_DT_NONE;
    TRY(infer_same_dtype(c, a, first, a->n_in - first));
    TRY(elementwise_dtype(c, a, dt));
    TRY(elementwise_result(c, a, dt, &result));
    dim *shape = infer_new_shape(a, MAX_RANK);
    tensor_type t = *infer_in(a, 0);
    memcpy(shape, t.shape, t.rank * sizeof *shape);
    t.shape = shape;
    for (uint32_t i = 1; i < a->n_in; i++) TRY(infer_join(c, a, &t, infer_in(a, i), shape, &t.rank));
    *out = (tensor_type){result, t.rank, shape};
    return FRIT_OK;
}
