/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The formula builder over graph_add. */
#include "passes/kit/build.h"

#include <math.h>
#include <string.h>

value_id build_fail(build *b, frit_status code, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(b->c->job, fmt, ap);
    va_end(ap);
    const char *loc = b->g->locs.at[b->loc];
    if (build_ok(b)) b->status = cx_fail(b->c, code, loc[0] ? loc : NULL, "%s", text);
    return VALUE_NONE;
}

value_id build_node(build *b, op_code op, uint32_t n_in, const value_id *in, const void *attrs) {
    value_id out = VALUE_NONE;
    if (!build_ok(b)) return out;
    b->status = graph_add(b->c, b->g, op, b->loc, n_in, in, attrs, &out);
    return out;
}

value_id build_op1(build *b, op_code op, value_id x) { return build_node(b, op, 1, &x, NULL); }

value_id build_op2(build *b, op_code op, value_id x, value_id y) {
    return build_node(b, op, 2, (value_id[]){x, y}, NULL);
}

value_id build_select(build *b, value_id condition, value_id x, value_id y) {
    return build_node(b, OP_select, 3, (value_id[]){condition, x, y}, NULL);
}

value_id build_cast(build *b, value_id x, dtype to) {
    value_id out = VALUE_NONE;
    if (build_ok(b)) b->status = graph_cast(b->c, b->g, b->loc, x, to, &out);
    return out;
}

value_id build_splat(build *b, dtype dt, double v) {
    value_id out = VALUE_NONE;
    if (build_ok(b)) b->status = graph_splat(b->c, b->g, dt, v, &out);
    return out;
}

value_id build_like(build *b, value_id x, double v) {
    return build_ok(b) ? build_splat(b, build_type(b, x)->dt, v) : VALUE_NONE;
}

value_id build_lowest(build *b, dtype dt) {
    const_data d = {.kind = CONST_SPLAT, .dt = dt};
    if (dtype_is_float(dt)) d.splat = dtype_from_f64(dt, (double)-INFINITY);
    if (dtype_kind_of(dt) == DTYPE_INT) d.splat.i = INT64_MIN >> (64 - dtype_bits(dt));
    value_id out = VALUE_NONE;
    if (build_ok(b)) b->status = graph_const_bytes(b->c, b->g, &d, &out);
    return out;
}

value_id build_of_dim(build *b, dtype dt, dim d) {
    int64_t v = 0;
    if (dim_is_const(b->g->dims, d, &v)) return build_splat(b, dt, (double)v);
    attr_dims a = {.dims = {1, &d}};
    value_id x = build_node(b, OP_from_dims, 0, NULL, &a);
    return build_cast(b, build_reshape(b, x, 0, NULL), dt);
}

value_id build_filled(build *b, const tensor_type *t, scalar x) {
    const_data d = {.kind = CONST_SPLAT, .dt = t->dt, .splat = x};
    value_id v = VALUE_NONE;
    if (build_ok(b)) b->status = graph_const_bytes(b->c, b->g, &d, &v);
    return build_broadcast(b, v, t->rank, t->shape);
}

value_id build_reshape(build *b, value_id x, uint32_t rank, const dim *shape) {
    value_id out = VALUE_NONE;
    if (build_ok(b)) b->status = graph_reshape(b->c, b->g, b->loc, x, rank, shape, &out);
    return out;
}

value_id build_broadcast(build *b, value_id x, uint32_t rank, const dim *shape) {
    value_id out = VALUE_NONE;
    if (build_ok(b)) b->status = graph_broadcast(b->c, b->g, b->loc, x, rank, shape, &out);
    return out;
}

value_id build_transpose(build *b, value_id x, const int64_t *perm) {
    value_id out = VALUE_NONE;
    if (build_ok(b)) b->status = graph_transpose(b->c, b->g, b->loc, x, perm, &out);
    return out;
}

value_id build_reduce(build *b, reduce_kind kind, value_id x, uint32_t n, const int64_t *axes) {
    value_id out = VALUE_NONE;
    if (n == 0) return x;
    if (build_ok(b)) b->status = graph_reduce(b->c, b->g, b->loc, kind, x, n, axes, &out);
    return out;
}

value_id build_reduce_keep(build *b, reduce_kind kind, value_id x, uint32_t n, const int64_t *axes) {
    value_id y = build_reduce(b, kind, x, n, axes);
    if (!build_ok(b)) return VALUE_NONE;
    const tensor_type *t = build_type(b, x);
    dim shape[MAX_RANK];
    memcpy(shape, t->shape, t->rank * sizeof *shape);
    for (uint32_t i = 0; i < n; i++) shape[axes[i]] = dim_const(b->g->dims, 1);
    return build_reshape(b, y, t->rank, shape);
}

value_id build_along(build *b, value_id x, uint32_t axis, uint32_t rank) {
    if (!build_ok(b)) return VALUE_NONE;
    dim shape[MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) shape[i] = dim_const(b->g->dims, 1);
    shape[axis] = build_type(b, x)->shape[0];
    return build_reshape(b, x, rank, shape);
}

value_id build_contract(build *b, value_id x, value_id y, const char *lhs, const char *rhs, const char *out) {
    attr_contract a = {.lhs = lhs, .rhs = rhs, .out = out};
    return build_node(b, OP_contract, 2, (value_id[]){x, y}, &a);
}

value_id build_slice_axis(build *b, value_id x, uint32_t axis, dim start, dim size, int64_t step) {
    if (!build_ok(b)) return VALUE_NONE;
    const tensor_type *t = build_type(b, x);
    dim starts[MAX_RANK], sizes[MAX_RANK];
    int64_t steps[MAX_RANK];
    for (uint32_t i = 0; i < t->rank; i++) {
        starts[i] = i == axis ? start : dim_const(b->g->dims, 0);
        sizes[i] = i == axis ? size : t->shape[i];
        steps[i] = i == axis ? step : 1;
    }
    attr_slice a = {.starts = {t->rank, starts}, .sizes = {t->rank, sizes}, .steps = {t->rank, steps}};
    return build_node(b, OP_slice, 1, &x, &a);
}

value_id build_iota(build *b, dtype dt, uint32_t axis, uint32_t rank, dim n) {
    dim shape[MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) shape[i] = dim_const(b->g->dims, 1);
    shape[axis] = n;
    attr_iota a = {.dims = {rank, shape}, .axis = axis, .to = dt};
    return build_node(b, OP_iota, 0, NULL, &a);
}
