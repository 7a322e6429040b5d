/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Decompositions of softmax and the norms. Variance is the mean of centred squares: two reductions over a resident row,
 * which does not cancel as mean(x^2) - mean(x)^2 does. */
#include <string.h>

#include "passes/decompose/decompose.h"

/* x minus its maximum along axis, which then overflows nowhere. */
static value_id shifted(decomposition *d, const int64_t *axis) {
    value_id x = d->in[0];
    return build_sub(&d->b, x, build_reduce_keep(&d->b, RK_max, x, 1, axis));
}

/* The sum lies between 1 and the extent, so its reciprocal is safe: one division a row instead of one an element. */
void decompose_softmax(decomposition *d) {
    const attr_axis *a = d->attrs;
    build *b = &d->b;
    value_id e = build_op1(b, OP_exp, shifted(d, &a->axis));
    value_id sum = build_reduce_keep(b, RK_sum, e, 1, &a->axis);
    d->out[0] = build_mul(b, e, build_div(b, build_like(b, sum, 1), sum));
}

void decompose_log_softmax(decomposition *d) {
    const attr_axis *a = d->attrs;
    build *b = &d->b;
    value_id z = shifted(d, &a->axis);
    value_id sum = build_reduce_keep(b, RK_sum, build_op1(b, OP_exp, z), 1, &a->axis);
    d->out[0] = build_sub(b, z, build_op1(b, OP_log, sum));
}

/* 1 / sqrt(v + eps) */
static value_id inverse_root(build *b, value_id v, double eps) {
    value_id root = build_op1(b, OP_sqrt, build_add(b, v, build_like(b, v, eps)));
    return build_div(b, build_like(b, v, 1), root);
}

static value_id mean_keep(build *b, value_id x, uint32_t n, const int64_t *axes) {
    if (!build_ok(b)) return VALUE_NONE;
    value_id count = decompose_count(b, x, build_type(b, x)->dt, n, axes);
    return build_div(b, build_reduce_keep(b, RK_sum, x, n, axes), count);
}

/* (x - mean) / sqrt(var + eps) over the axes. */
static value_id standardise(build *b, value_id x, double eps, uint32_t n, const int64_t *axes) {
    value_id centred = build_sub(b, x, mean_keep(b, x, n, axes));
    value_id var = mean_keep(b, build_mul(b, centred, centred), n, axes);
    return build_mul(b, centred, inverse_root(b, var, eps));
}

void decompose_layer_norm(decomposition *d) {
    const attr_norm *a = d->attrs;
    build *b = &d->b;
    int64_t axes[MAX_RANK];
    uint32_t n = decompose_range((uint32_t)a->axis, d->types[0].rank, axes);
    value_id y = build_mul(b, standardise(b, d->in[0], a->eps, n, axes), d->in[1]);
    d->out[0] = d->n_in > 2 ? build_add(b, y, d->in[2]) : y;
}

void decompose_rms_norm(decomposition *d) {
    const attr_norm *a = d->attrs;
    build *b = &d->b;
    int64_t axes[MAX_RANK];
    uint32_t n = decompose_range((uint32_t)a->axis, d->types[0].rank, axes);
    value_id mean = mean_keep(b, build_mul(b, d->in[0], d->in[0]), n, axes);
    value_id y = build_mul(b, d->in[0], inverse_root(b, mean, a->eps));
    d->out[0] = build_mul(b, y, d->in[1]);
}

/* x * (scale / sqrt(var + eps)) + (bias - mean * that): both factors depend on parameters only. */
void decompose_batch_norm(decomposition *d) {
    const attr_norm *a = d->attrs;
    build *b = &d->b;
    uint32_t rank = d->types[0].rank;
    value_id factor = build_mul(b, d->in[1], inverse_root(b, d->in[4], a->eps));
    value_id shift = build_sub(b, d->in[2], build_mul(b, d->in[3], factor));
    value_id y = build_mul(b, d->in[0], build_along(b, factor, 1, rank));
    d->out[0] = build_add(b, y, build_along(b, shift, 1, rank));
}

void decompose_instance_norm(decomposition *d) {
    const attr_norm *a = d->attrs;
    build *b = &d->b;
    int64_t axes[MAX_RANK];
    uint32_t rank = d->types[0].rank, n = decompose_range(2, rank, axes);
    value_id y = standardise(b, d->in[0], a->eps, n, axes);
    y = build_mul(b, y, build_along(b, d->in[1], 1, rank));
    d->out[0] = build_add(b, y, build_along(b, d->in[2], 1, rank));
}

/* Channels as [G, C/G]: statistics over C/G and the spatial axes, parameters per channel. */
void decompose_group_norm(decomposition *d) {
    const attr_group_norm *a = d->attrs;
    build *b = &d->b;
    dim_table *t = b->g->dims;
    const tensor_type *type = &d->types[0];
    uint32_t rank = type->rank;
    if (rank + 1 > MAX_RANK) {
        build_fail(b, FRIT_UNSUPPORTED, "group_norm of rank %u", rank);
        return;
    }
    dim shape[MAX_RANK], params[MAX_RANK], groups = dim_const(t, a->groups);
    shape[0] = type->shape[0];
    shape[1] = groups;
    shape[2] = dim_floordiv(t, type->shape[1], groups);
    memcpy(shape + 3, type->shape + 2, (rank - 2) * sizeof *shape);
    for (uint32_t i = 0; i < rank; i++) params[i] = i < 2 ? shape[i + 1] : dim_const(t, 1);
    int64_t axes[MAX_RANK];
    uint32_t n = decompose_range(2, rank + 1, axes);
    value_id y = standardise(b, build_reshape(b, d->in[0], rank + 1, shape), a->eps, n, axes);
    y = build_mul(b, y, build_reshape(b, d->in[1], rank, params));
    y = build_add(b, y, build_reshape(b, d->in[2], rank, params));
    d->out[0] = build_reshape(b, y, rank, type->shape);
}
