/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Result types of movement by data (gather, scatter, sort), reductions, products and attention. */
#include <string.h>

#include "ir/graph/infer.h"

static dim *shape_copy(const infer_args *a, const tensor_type *t) {
    dim *shape = infer_new_shape(a, t->rank);
    if (t->rank) memcpy(shape, t->shape, t->rank * sizeof *shape);
    return shape;
}

/* Indices that count 0, 1, .. must stay within the axis: a position table bounds the length. */
static frit_status counted_index(cx *c, const infer_args *a, value_id index, dim extent) {
    const node *n = graph_def(a->g, index);
    while (n && (n->op == OP_reshape || n->op == OP_broadcast || n->op == OP_cast)) n = graph_def(a->g, n->in[0]);
    if (!n || n->op != OP_iota) return FRIT_OK;
    const attr_iota *t = n->attrs;
    dim most = t->dims.at[t->axis];
    if (dim_le(a->g->dims, most, extent)) return FRIT_OK;
    if (dim_lt(a->g->dims, extent, most))
        return infer_fail(c, a, FRIT_RANGE, "indices 0..%s - 1 reach past the axis of %s", infer_dim(a, most),
                          infer_dim(a, extent));
    const char *loc = a->g->locs.at[a->loc];
    const char *text = arena_printf(a->g->a, "%s%sgather: %s must not exceed the indexed axis of %s", loc,
                                    loc[0] ? ": " : "", infer_dim(a, most), infer_dim(a, extent));
    return graph_require(c, a->g, most, extent, CK_AT_MOST, text);
}

frit_status infer_gather(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_axis *t = a->attrs;
    const tensor_type *x = infer_in(a, 0), *i = infer_in(a, 1);
    TRY(infer_index_dtype(c, a, 1));
    TRY(infer_axis(c, a, &t->axis, x->rank));
    uint32_t axis = (uint32_t)t->axis, tail = x->rank - axis - 1;
    TRY(counted_index(c, a, a->in[1], x->shape[axis]));
    TRY(infer_not_empty(c, a, graph_n_elements(a->g, a->in[1]), x->shape[axis]));
    dim *shape = infer_new_shape(a, x->rank + i->rank);
    memcpy(shape, x->shape, axis * sizeof *shape);
    if (i->rank) memcpy(shape + axis, i->shape, i->rank * sizeof *shape);
    memcpy(shape + axis + i->rank, x->shape + axis + 1, tail * sizeof *shape);
    return infer_result(c, a, out, (tensor_type){x->dt, x->rank - 1 + i->rank, shape});
}

/* Index tensors of gather_elements and scatter_elements: x's rank, no axis but the indexed one longer than x's. */
static frit_status elements_index(cx *c, const infer_args *a, int64_t *axis) {
    const tensor_type *x = infer_in(a, 0), *i = infer_in(a, 1);
    TRY(infer_index_dtype(c, a, 1));
    TRY(infer_rank_is(c, a, 1, x->rank));
    TRY(infer_axis(c, a, axis, x->rank));
    TRY(infer_not_empty(c, a, graph_n_elements(a->g, a->in[1]), x->shape[*axis]));
    for (uint32_t k = 0; k < x->rank; k++) {
        if (k == (uint32_t)*axis) continue;
        if (dim_lt(a->g->dims, x->shape[k], i->shape[k]))
            return infer_fail(c, a, FRIT_SHAPE, "indices %s reach past %s on axis %u", infer_shape(a, i),
                              infer_shape(a, x), k);
        const char *text = arena_printf(a->g->a, "%s: axis %u of the indices, %s, must not exceed %s", op_name(a->op),
                                        k, infer_dim(a, i->shape[k]), infer_dim(a, x->shape[k]));
        TRY(graph_require(c, a->g, i->shape[k], x->shape[k], CK_AT_MOST, text));
    }
    return FRIT_OK;
}

frit_status infer_gather_elements(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_axis *t = a->attrs;
    TRY(elements_index(c, a, &t->axis));
    *out = (tensor_type){infer_in(a, 0)->dt, infer_in(a, 1)->rank, infer_in(a, 1)->shape};
    return FRIT_OK;
}

/* Length of the index tuples (last axis of operand 1), which must be a constant in lo..hi. */
static frit_status tuple_length(cx *c, const infer_args *a, int64_t hi, int64_t *out) {
    const tensor_type *i = infer_in(a, 1);
    TRY(infer_index_dtype(c, a, 1));
    bool is_known = i->rank > 0 && dim_is_const(a->g->dims, i->shape[i->rank - 1], out);
    if (is_known && *out >= 1 && *out <= hi) return FRIT_OK;
    return infer_fail(c, a, FRIT_SHAPE, "indices %s must end in a constant axis of 1..%lld", infer_shape(a, i),
                      (long long)hi);
}

frit_status infer_gather_nd(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    const attr_gather_nd *t = a->attrs;
    const tensor_type *x = infer_in(a, 0), *i = infer_in(a, 1);
    if (t->batch_dims < 0 || t->batch_dims >= x->rank || t->batch_dims >= i->rank)
        return infer_fail(c, a, FRIT_RANGE, "batch_dims %lld is outside the ranks %u and %u", (long long)t->batch_dims,
                          x->rank, i->rank);
    uint32_t batch = (uint32_t)t->batch_dims;
    int64_t k = 0;
    TRY(tuple_length(c, a, (int64_t)x->rank - batch, &k));
    for (uint32_t b = 0; b < batch; b++) TRY(infer_match(c, a, x->shape[b], i->shape[b], "batch sizes"));
    uint32_t head = i->rank - 1, skip = batch + (uint32_t)k, tail = x->rank - skip;
    for (uint32_t d = batch; d < skip; d++) TRY(infer_not_empty(c, a, graph_n_elements(a->g, a->in[1]), x->shape[d]));
    dim *shape = infer_new_shape(a, head + tail);
    memcpy(shape, i->shape, head * sizeof *shape);
    memcpy(shape + head, x->shape + skip, tail * sizeof *shape);
    return infer_result(c, a, out, (tensor_type){x->dt, head + tail, shape});
}

static frit_status updates_dtype(cx *c, const infer_args *a) {
    dtype x = infer_in(a, 0)->dt, u = infer_in(a, 2)->dt;
    if (x == u) return FRIT_OK;
    return infer_fail(c, a, FRIT_TYPE, "updates are %s, the tensor is %s", dtype_name(u), dtype_name(x));
}

frit_status infer_scatter_elements(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_scatter *t = a->attrs;
    const tensor_type *i = infer_in(a, 1), *u = infer_in(a, 2);
    TRY(elements_index(c, a, &t->axis));
    TRY(updates_dtype(c, a));
    TRY(infer_rank_is(c, a, 2, i->rank));
    for (uint32_t k = 0; k < i->rank; k++) TRY(infer_match(c, a, i->shape[k], u->shape[k], "index and update sizes"));
    *out = *infer_in(a, 0);
    return FRIT_OK;
}

frit_status infer_scatter_nd(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    const tensor_type *x = infer_in(a, 0), *i = infer_in(a, 1), *u = infer_in(a, 2);
    int64_t k = 0;
    TRY(tuple_length(c, a, x->rank, &k));
    TRY(updates_dtype(c, a));
    uint32_t head = i->rank - 1, tail = x->rank - (uint32_t)k;
    for (uint32_t d = 0; d < (uint32_t)k; d++)
        TRY(infer_not_empty(c, a, graph_n_elements(a->g, a->in[1]), x->shape[d]));
    TRY(infer_rank_is(c, a, 2, head + tail));
    for (uint32_t b = 0; b < head; b++) TRY(infer_match(c, a, i->shape[b], u->shape[b], "index and update sizes"));
    for (uint32_t b = 0; b < tail; b++) TRY(infer_match(c, a, x->shape[k + b], u->shape[head + b], "slice sizes"));
    *out = *x;
    return FRIT_OK;
}

frit_status infer_topk(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_topk *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    TRY(infer_axis(c, a, &t->axis, x->rank));
    if (t->k.n != 1) return infer_fail(c, a, FRIT_SHAPE, "k has %u entries, needs 1", t->k.n);
    dim k = t->k.at[0], extent = x->shape[t->axis];
    const char *text =
        arena_printf(a->g->a, "topk: k %s must not exceed the axis, %s", infer_dim(a, k), infer_dim(a, extent));
    TRY(graph_require(c, a->g, k, extent, CK_AT_MOST, text));
    dim *shape = shape_copy(a, x);
    shape[t->axis] = k;
    out[0] = (tensor_type){x->dt, x->rank, shape};
    out[1] = (tensor_type){FRIT_DT_I64, x->rank, shape};
    return FRIT_OK;
}

frit_status infer_nonzero(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_dims *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    if (t->dims.n == 0) {
        dim fresh = infer_result_symbol(a, "nonzero", dim_product(a->g->dims, x->rank, x->shape));
        t->dims = dim_list_of(a->g->a, 1, &fresh);
    }
    sym_id s = SYM_NONE;
    if (t->dims.n != 1 || !dim_is_sym(a->g->dims, t->dims.at[0], &s))
        return infer_fail(c, a, FRIT_SHAPE, "dims must be one symbol");
    infer_bound_result(a, t->dims.at[0], dim_product(a->g->dims, x->rank, x->shape));
    if (a->n_in > 1 && (infer_in(a, 1)->rank != 0 || infer_in(a, 1)->dt != FRIT_DT_I64))
        return infer_fail(c, a, FRIT_TYPE, "the count must be a scalar i64");
    dim *shape = infer_new_shape(a, 2);
    shape[0] = infer_int(a, x->rank);
    shape[1] = t->dims.at[0];
    *out = (tensor_type){FRIT_DT_I64, 2, shape};
    return FRIT_OK;
}

static bool is_arg_reduce(reduce_kind k) {
    return k == RK_argmax || k == RK_argmin || k == RK_argmax_last || k == RK_argmin_last;
}

frit_status infer_reduce(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_reduce *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    TRY(infer_axes(c, a, &t->axes, x->rank));
    bool is_arg = is_arg_reduce(t->kind);
    if (is_arg && t->axes.n != 1)
        return infer_fail(c, a, FRIT_SHAPE, "argmin and argmax take one axis, got %u", t->axes.n);
    bool adds = t->kind == RK_sum || t->kind == RK_prod;
    if (adds && x->dt == FRIT_DT_BOOL) return infer_fail(c, a, FRIT_TYPE, "sum and prod need a number type, got bool");
    uint32_t gone = 0, rank = 0;
    for (uint32_t i = 0; i < t->axes.n; i++) gone |= 1u << t->axes.at[i];
    dim *shape = infer_new_shape(a, x->rank);
    for (uint32_t i = 0; i < x->rank; i++)
        if (!(gone >> i & 1)) shape[rank++] = x->shape[i];
    *out = (tensor_type){is_arg ? FRIT_DT_I64 : x->dt, rank, shape};
    if (is_arg) TRY(infer_not_empty(c, a, dim_product(a->g->dims, rank, shape), x->shape[t->axes.at[0]]));
    return FRIT_OK;
}

frit_status infer_scan(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_scan *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    TRY(infer_axis(c, a, &t->axis, x->rank));
    if (is_arg_reduce(t->kind)) return infer_fail(c, a, FRIT_UNSUPPORTED, "running argmin and argmax do not exist");
    if (x->dt == FRIT_DT_BOOL) return infer_fail(c, a, FRIT_TYPE, "needs a number type, got bool");
    *out = *x;
    return FRIT_OK;
}

/* Where label l stands in labels, or -1. */
static int label_at(const char *labels, char l) {
    const char *p = strchr(labels, l);
    return p && l ? (int)(p - labels) : -1;
}

static frit_status labels_fit(cx *c, const infer_args *a, const char *labels, const char *name, uint32_t rank) {
    size_t n = strlen(labels);
    if (rank != UINT32_MAX && n != rank)
        return infer_fail(c, a, FRIT_SHAPE, "%s \"%s\" has %zu labels for rank %u", name, labels, n, rank);
    for (size_t i = 0; i < n; i++) {
        bool is_letter = (labels[i] >= 'a' && labels[i] <= 'z') || (labels[i] >= 'A' && labels[i] <= 'Z');
        if (!is_letter) return infer_fail(c, a, FRIT_FORMAT, "%s \"%s\": labels are letters", name, labels);
        if (label_at(labels, labels[i]) != (int)i)
            return infer_fail(c, a, FRIT_FORMAT, "%s \"%s\" repeats a label", name, labels);
    }
    return FRIT_OK;
}

frit_status infer_contract(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_contract *t = a->attrs;
    const tensor_type *x = infer_in(a, 0), *y = infer_in(a, 1);
    if (!t->lhs) t->lhs = "";
    if (!t->rhs) t->rhs = "";
    if (!t->out) t->out = "";
    dtype dt = dtype_of_products(x->dt, y->dt);
    if (!dtype_is_byte_pair(x->dt, y->dt)) TRY(infer_same_dtype(c, a, 0, 2));
    if (x->dt == FRIT_DT_BOOL) return infer_fail(c, a, FRIT_TYPE, "needs a number type, got bool");
    TRY(labels_fit(c, a, t->lhs, "lhs", x->rank));
    TRY(labels_fit(c, a, t->rhs, "rhs", y->rank));
    TRY(labels_fit(c, a, t->out, "out", UINT32_MAX));
    for (uint32_t i = 0; i < x->rank; i++) {
        int k = label_at(t->rhs, t->lhs[i]);
        if (k >= 0) TRY(infer_match(c, a, x->shape[i], y->shape[k], "inner sizes"));
        if (k < 0 && label_at(t->out, t->lhs[i]) < 0)
            return infer_fail(c, a, FRIT_FORMAT, "label %c is only in lhs: reduce it before", t->lhs[i]);
    }
    for (uint32_t k = 0; k < y->rank; k++)
        if (label_at(t->lhs, t->rhs[k]) < 0 && label_at(t->out, t->rhs[k]) < 0)
            return infer_fail(c, a, FRIT_FORMAT, "label %c is only in rhs: reduce it before", t->rhs[k]);
    uint32_t rank = (uint32_t)strlen(t->out);
    dim *shape = infer_new_shape(a, rank);
    for (uint32_t i = 0; i < rank; i++) {
        int k = label_at(t->lhs, t->out[i]), m = label_at(t->rhs, t->out[i]);
        if (k < 0 && m < 0) return infer_fail(c, a, FRIT_FORMAT, "label %c of out is in no operand", t->out[i]);
        shape[i] = k >= 0 ? x->shape[k] : y->shape[m];
    }
    return infer_result(c, a, out, (tensor_type){dt, rank, shape});
}

static frit_status attend_mask(cx *c, const infer_args *a, uint32_t rank, dim keys) {
    const tensor_type *q = infer_in(a, 0), *m = infer_in(a, 3);
    if (m->dt != FRIT_DT_BOOL && m->dt != q->dt)
        return infer_fail(c, a, FRIT_TYPE, "the mask is %s, neither bool nor %s", dtype_name(m->dt), dtype_name(q->dt));
    dim *score = shape_copy(a, q);
    score[rank - 1] = keys;
    tensor_type t = {q->dt, rank, score};
    return infer_broadcasts_to(c, a, m, &t, "mask sizes");
}

frit_status infer_attend(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    const attr_attend *t = a->attrs;
    const tensor_type *q = infer_in(a, 0), *k = infer_in(a, 1), *v = infer_in(a, 2);
    dim_table *dims = a->g->dims;
    uint32_t rank = q->rank;
    if (rank < 3) return infer_fail(c, a, FRIT_SHAPE, "q is %s, its rank must be 3 or more", infer_shape(a, q));
    TRY(infer_same_dtype(c, a, 0, 3));
    if (!dtype_is_float(q->dt)) return infer_fail(c, a, FRIT_TYPE, "needs a float type, got %s", dtype_name(q->dt));
    if (t->window < 0) return infer_fail(c, a, FRIT_RANGE, "window %lld is negative", (long long)t->window);
    TRY(infer_rank_is(c, a, 1, rank));
    TRY(infer_rank_is(c, a, 2, rank));
    for (uint32_t i = 0; i + 3 < rank; i++) {
        TRY(infer_match(c, a, q->shape[i], k->shape[i], "batch sizes of q and k"));
        TRY(infer_match(c, a, q->shape[i], v->shape[i], "batch sizes of q and v"));
    }
    dim heads = q->shape[rank - 3], groups = k->shape[rank - 3];
    TRY(infer_match(c, a, groups, v->shape[rank - 3], "heads of k and v"));
    TRY(infer_match(c, a, k->shape[rank - 2], v->shape[rank - 2], "lengths of k and v"));
    TRY(infer_match(c, a, q->shape[rank - 1], k->shape[rank - 1], "inner sizes of q and k"));
    if (!dim_equal(dims, heads, groups) && !dim_divides(dims, groups, heads)) {
        dim over = dim_mod(dims, heads, groups);
        int64_t rest;
        if (over == DIM_BAD || dim_is_const(dims, over, &rest))
            return infer_fail(c, a, FRIT_SHAPE, "%s query heads are not a multiple of %s key heads",
                              infer_dim(a, heads), infer_dim(a, groups));
        TRY(infer_match(c, a, over, infer_int(a, 0), "query heads must be a multiple of key heads:"));
    }
    if (a->n_in > 3) TRY(attend_mask(c, a, rank, k->shape[rank - 2]));
    dim *shape = shape_copy(a, q);
    shape[rank - 1] = v->shape[rank - 1];
    *out = (tensor_type){q->dt, rank, shape};
    return FRIT_OK;
}

frit_status infer_update(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_update *t = a->attrs;
    const tensor_type *x = infer_in(a, 0), *y = infer_in(a, 1);
    TRY(infer_same_dtype(c, a, 0, 2));
    TRY(infer_rank_is(c, a, 1, x->rank));
    if (t->starts.n != x->rank)
        return infer_fail(c, a, FRIT_SHAPE, "starts has %u entries, needs %u", t->starts.n, x->rank);
    for (uint32_t i = 0; i < x->rank; i++) {
        dim end = dim_add(a->g->dims, t->starts.at[i], y->shape[i]);
        const char *text = arena_printf(a->g->a, "update: block end %s on axis %u must not exceed %s",
                                        infer_dim(a, end), i, infer_dim(a, x->shape[i]));
        TRY(graph_require(c, a->g, end, x->shape[i], CK_AT_MOST, text));
        if (dim_lt(a->g->dims, t->starts.at[i], infer_int(a, 0)))
            return infer_fail(c, a, FRIT_RANGE, "starts[%u] is negative", i);
        TRY(infer_at_most(c, a, infer_int(a, 0), t->starts.at[i], "a start is negative"));
    }
    *out = *x;
    return FRIT_OK;
}
