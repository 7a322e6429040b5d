/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The builder of reader.h: graph_add with sticky failures, and the few compositions that many operators share. */
#include <string.h>

#include "frontend/onnx/reader.h"
#include "ir/op/attrs.h"

bool failed(const reader *r) { return r->c->status != FRIT_OK; }

const tensor_type *type_of(const reader *r, value_id v) {
    static const tensor_type none = {FRIT_DT_F32, 0, NULL};
    return v == VALUE_NONE ? &none : graph_type(r->g, v);
}

uint32_t rank_of(const reader *r, value_id v) { return type_of(r, v)->rank; }
dtype dtype_of(const reader *r, value_id v) { return type_of(r, v)->dt; }

dim extent_of(const reader *r, value_id v, int64_t axis) {
    const tensor_type *t = type_of(r, v);
    if (axis < 0) axis += t->rank;
    return axis >= 0 && axis < t->rank ? t->shape[axis] : dim_const(r->dims, 1);
}

bool norm_axis(reader *r, int64_t *axis, uint32_t rank) {
    int64_t given = *axis;
    if (*axis < 0) *axis += rank;
    if (*axis >= 0 && *axis < (int64_t)rank) return true;
    fail_node(r, FRIT_RANGE, "axis %lld is outside rank %u", (long long)given, rank);
    *axis = 0;
    return false;
}

value_id make(reader *r, op_code op, uint32_t n, const value_id *in, const void *attrs) {
    value_id out;
    for (uint32_t i = 0; i < n; i++)
        if (in[i] == VALUE_NONE && !failed(r)) fail_node(r, FRIT_FORMAT, "a required operand is left out");
    if (failed(r) || graph_add(r->c, r->g, op, r->loc, n, in, attrs, &out) != FRIT_OK) return VALUE_NONE;
    return simplify(r, out);
}

value_id make1(reader *r, op_code op, value_id x) { return make(r, op, 1, &x, NULL); }
value_id make2(reader *r, op_code op, value_id x, value_id y) { return make(r, op, 2, (value_id[]){x, y}, NULL); }
value_id make3(reader *r, op_code op, value_id x, value_id y, value_id z) {
    return make(r, op, 3, (value_id[]){x, y, z}, NULL);
}

value_id make_splat(reader *r, dtype dt, double v) {
    value_id out;
    if (failed(r) || graph_splat(r->c, r->g, dt, v, &out) != FRIT_OK) return VALUE_NONE;
    return out;
}

value_id make_like(reader *r, value_id x, double v) { return make_splat(r, dtype_of(r, x), v); }

value_id make_ints(reader *r, uint32_t n, const int64_t *v) {
    value_id out;
    if (failed(r) || graph_const_i64(r->c, r->g, n, v, &out) != FRIT_OK) return VALUE_NONE;
    return out;
}

value_id make_cast(reader *r, value_id x, dtype to) {
    if (x == VALUE_NONE || dtype_of(r, x) == to) return x;
    return make(r, OP_cast, 1, &x, &(attr_cast){.to = to, .saturate = true});
}

static bool has_shape(const reader *r, value_id x, uint32_t rank, const dim *shape) {
    const tensor_type *t = type_of(r, x);
    return t->rank == rank && (rank == 0 || memcmp(t->shape, shape, rank * sizeof *shape) == 0);
}

value_id make_reshape(reader *r, value_id x, uint32_t rank, const dim *shape) {
    if (x == VALUE_NONE || has_shape(r, x, rank, shape)) return x;
    return make(r, OP_reshape, 1, &x, &(attr_dims){.dims = {rank, shape}});
}

value_id make_broadcast(reader *r, value_id x, uint32_t rank, const dim *shape) {
    if (x == VALUE_NONE || has_shape(r, x, rank, shape)) return x;
    return make(r, OP_broadcast, 1, &x, &(attr_dims){.dims = {rank, shape}});
}

value_id make_same_shape(reader *r, value_id x, value_id like) {
    return make_broadcast(r, x, rank_of(r, like), type_of(r, like)->shape);
}

/* x, broadcast to like's shape where a call decides whether it has to be. */
value_id make_fit(reader *r, value_id x, value_id like) {
    if (x == VALUE_NONE || like == VALUE_NONE) return x;
    const tensor_type *t = type_of(r, x), *wanted = type_of(r, like);
    bool fits = true;
    for (uint32_t i = 0; i < t->rank && i < wanted->rank; i++) {
        dim result = wanted->shape[wanted->rank - 1 - i];
        fits = fits && graph_axis_fit(r->g, t->shape[t->rank - 1 - i], result) != FIT_EITHER;
    }
    return fits ? x : make_same_shape(r, x, like);
}

value_id make_transpose(reader *r, value_id x, const int64_t *perm) {
    uint32_t rank = rank_of(r, x), fixed = 0;
    while (fixed < rank && perm[fixed] == (int64_t)fixed) fixed++;
    if (fixed == rank) return x;
    return make(r, OP_transpose, 1, &x, &(attr_perm){.perm = {rank, perm}});
}

value_id make_swap(reader *r, value_id x, int64_t a, int64_t b) {
    int64_t perm[MAX_RANK];
    uint32_t rank = rank_of(r, x);
    if (x == VALUE_NONE || !norm_axis(r, &a, rank) || !norm_axis(r, &b, rank)) return VALUE_NONE;
    for (uint32_t i = 0; i < rank; i++) perm[i] = i;
    perm[a] = b, perm[b] = a;
    return make_transpose(r, x, perm);
}

value_id make_reduce(reader *r, reduce_kind kind, value_id x, uint32_t n, const int64_t *axes, bool keep) {
    if (x == VALUE_NONE) return x;
    tensor_type t = *type_of(r, x);
    value_id y = n == 0 ? x : make(r, OP_reduce, 1, &x, &(attr_reduce){.kind = kind, .axes = {n, axes}});
    if (!keep || y == VALUE_NONE) return y;
    dim shape[MAX_RANK];
    for (uint32_t i = 0; i < t.rank; i++) shape[i] = t.shape[i];
    for (uint32_t i = 0; i < n; i++) shape[axes[i] < 0 ? axes[i] + t.rank : axes[i]] = dimi(r, 1);
    return make_reshape(r, y, t.rank, shape);
}

value_id make_reduce1(reader *r, reduce_kind kind, value_id x, int64_t axis, bool keep) {
    return make_reduce(r, kind, x, 1, &axis, keep);
}

value_id make_mean(reader *r, value_id x, uint32_t n, const int64_t *axes, bool keep) {
    if (x == VALUE_NONE) return x;
    dim count = dimi(r, 1);
    for (uint32_t i = 0; i < n; i++) count = dim_mul(r->dims, count, extent_of(r, x, axes[i]));
    value_id sum = make_reduce(r, RK_sum, x, n, axes, keep);
    int64_t k;
    if (dim_is_const(r->dims, count, &k)) return quotient(r, sum, make_like(r, x, (double)k));
    value_id size = make_reshape(r, make_from_dims(r, 1, &count), 0, NULL);
    return quotient(r, sum, make_cast(r, size, dtype_of(r, x)));
}

value_id make_slice(reader *r, value_id x, int64_t axis, dim start, dim size, int64_t step) {
    uint32_t rank = rank_of(r, x);
    dim starts[MAX_RANK], sizes[MAX_RANK];
    int64_t steps[MAX_RANK];
    if (x == VALUE_NONE || !norm_axis(r, &axis, rank)) return VALUE_NONE;
    for (uint32_t i = 0; i < rank; i++) starts[i] = dimi(r, 0), sizes[i] = extent_of(r, x, i), steps[i] = 1;
    if (start == dimi(r, 0) && size == sizes[axis] && step == 1) return x;
    starts[axis] = start, sizes[axis] = size, steps[axis] = step;
    attr_slice a = {.starts = {rank, starts}, .sizes = {rank, sizes}, .steps = {rank, steps}};
    return make(r, OP_slice, 1, &x, &a);
}

value_id make_concat(reader *r, int64_t axis, uint32_t n, const value_id *in) {
    return n == 1 ? in[0] : make(r, OP_concat, n, in, &(attr_axis){.axis = axis});
}

value_id make_gather(reader *r, int64_t axis, value_id x, value_id index) {
    return make(r, OP_gather, 2, (value_id[]){x, index}, &(attr_axis){.axis = axis});
}

value_id make_iota_nd(reader *r, dtype dt, uint32_t rank, const dim *shape, int64_t axis) {
    return make(r, OP_iota, 0, NULL, &(attr_iota){.dims = {rank, shape}, .axis = axis, .to = dt});
}

value_id make_iota(reader *r, dtype dt, dim n) { return make_iota_nd(r, dt, 1, &n, 0); }

value_id make_from_dims(reader *r, uint32_t n, const dim *at) {
    return make(r, OP_from_dims, 0, NULL, &(attr_dims){.dims = {n, at}});
}

value_id make_unsqueeze(reader *r, value_id x, int64_t axis) {
    dim shape[MAX_RANK + 1];
    uint32_t rank = rank_of(r, x);
    if (x == VALUE_NONE || !norm_axis(r, &axis, rank + 1)) return VALUE_NONE;
    for (uint32_t i = 0, k = 0; i <= rank; i++) shape[i] = i == (uint32_t)axis ? dimi(r, 1) : extent_of(r, x, k++);
    return make_reshape(r, x, rank + 1, shape);
}

value_id make_squeeze(reader *r, value_id x, int64_t axis) {
    dim shape[MAX_RANK];
    uint32_t rank = rank_of(r, x), k = 0;
    if (x == VALUE_NONE || !norm_axis(r, &axis, rank)) return VALUE_NONE;
    for (uint32_t i = 0; i < rank; i++)
        if (i != (uint32_t)axis) shape[k++] = extent_of(r, x, i);
    return make_reshape(r, x, k, shape);
}

value_id make_clamp(reader *r, value_id x, double lo, double hi) {
    return make2(r, OP_min, make2(r, OP_max, x, make_like(r, x, lo)), make_like(r, x, hi));
}
