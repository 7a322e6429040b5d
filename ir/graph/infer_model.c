/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Result types of model operators: products, normalisation, convolution, pooling, rope and resize. */
#include <string.h>

#include "ir/graph/infer.h"
#include "ir/op/einsum.h"

static dim *shape_copy(const infer_args *a, const tensor_type *t) {
    dim *shape = infer_new_shape(a, t->rank);
    if (t->rank) memcpy(shape, t->shape, t->rank * sizeof *shape);
    return shape;
}

static frit_status needs_float(cx *c, const infer_args *a) {
    dtype dt = infer_in(a, 0)->dt;
    if (dtype_is_float(dt)) return FRIT_OK;
    return infer_fail(c, a, FRIT_TYPE, "needs a float type, got %s", dtype_name(dt));
}

/* Leading axes of t without its last `drop`. */
static tensor_type batch_of(const tensor_type *t, uint32_t drop) {
    return (tensor_type){t->dt, t->rank > drop ? t->rank - drop : 0, t->shape};
}

frit_status infer_matmul(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    const tensor_type *x = infer_in(a, 0), *y = infer_in(a, 1);
    TRY(infer_same_dtype(c, a, 0, 2));
    if (x->dt == FRIT_DT_BOOL) return infer_fail(c, a, FRIT_TYPE, "needs a number type, got bool");
    if (x->rank == 0 || y->rank == 0) return infer_fail(c, a, FRIT_SHAPE, "operands must have rank 1 or more");
    dim inner = y->shape[y->rank == 1 ? 0 : y->rank - 2];
    TRY(infer_match(c, a, x->shape[x->rank - 1], inner, "inner sizes"));
    tensor_type xb = batch_of(x, 2), yb = batch_of(y, 2);
    dim *shape = infer_new_shape(a, MAX_RANK + 2);
    uint32_t rank = 0;
    TRY(infer_join(c, a, &xb, &yb, shape, &rank));
    if (x->rank > 1) shape[rank++] = x->shape[x->rank - 2];
    if (y->rank > 1) shape[rank++] = y->shape[y->rank - 1];
    return infer_result(c, a, out, (tensor_type){x->dt, rank, shape});
}

/* Extent of every label; ellipsis axes broadcast, letters must agree. */
static frit_status einsum_extents(cx *c, const infer_args *a, const einsum_spec *s, dim *extents) {
    for (uint32_t l = 0; l < EINSUM_LABELS; l++) extents[l] = DIM_BAD;
    for (uint32_t i = 0; i < s->n_in; i++) {
        const tensor_type *t = infer_in(a, i);
        for (uint32_t k = 0; k < t->rank; k++) {
            uint8_t l = s->in[i].labels[k];
            dim have = extents[l];
            if (have == DIM_BAD) {
                extents[l] = t->shape[k];
            } else if (l < EINSUM_ELLIPSIS) {
                TRY(infer_match(c, a, have, t->shape[k], "sizes of a label"));
            } else {
                tensor_type one = {t->dt, 1, &have}, two = {t->dt, 1, &t->shape[k]};
                uint32_t rank = 0;
                TRY(infer_join(c, a, &one, &two, &extents[l], &rank));
            }
        }
    }
    return FRIT_OK;
}

frit_status infer_einsum(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    const attr_einsum *t = a->attrs;
    TRY(infer_same_dtype(c, a, 0, a->n_in));
    uint32_t *ranks = ARENA_ARRAY(c->scratch, uint32_t, a->n_in);
    for (uint32_t i = 0; i < a->n_in; i++) ranks[i] = infer_in(a, i)->rank;
    einsum_spec s;
    TRY(einsum_parse(c, c->scratch, t->equation ? t->equation : "", a->n_in, ranks, &s));
    dim extents[EINSUM_LABELS];
    TRY(einsum_extents(c, a, &s, extents));
    dim *shape = infer_new_shape(a, s.out.rank);
    for (uint32_t i = 0; i < s.out.rank; i++) shape[i] = extents[s.out.labels[i]];
    return infer_result(c, a, out, (tensor_type){infer_in(a, 0)->dt, s.out.rank, shape});
}

frit_status infer_softmax(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_axis *t = a->attrs;
    TRY(needs_float(c, a));
    TRY(infer_axis(c, a, &t->axis, infer_in(a, 0)->rank));
    *out = *infer_in(a, 0);
    return FRIT_OK;
}

frit_status infer_log_softmax(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    return infer_softmax(c, a, out, out_n);
}

/* Norms over the last axes: scale and bias broadcast to x. */
static frit_status last_axes_norm(cx *c, const infer_args *a, tensor_type *out) {
    attr_norm *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    TRY(needs_float(c, a));
    TRY(infer_axis(c, a, &t->axis, x->rank));
    for (uint32_t i = 1; i < a->n_in; i++) {
        TRY(infer_same_dtype(c, a, 0, i + 1));
        TRY(infer_broadcasts_to(c, a, infer_in(a, i), x, i == 1 ? "scale sizes" : "bias sizes"));
    }
    *out = *x;
    return FRIT_OK;
}

frit_status infer_layer_norm(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    return last_axes_norm(c, a, out);
}

frit_status infer_rms_norm(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    return last_axes_norm(c, a, out);
}

/* Norms with one parameter per channel (axis 1). */
static frit_status channel_norm(cx *c, const infer_args *a, tensor_type *out) {
    const tensor_type *x = infer_in(a, 0);
    TRY(needs_float(c, a));
    if (x->rank < 2) return infer_fail(c, a, FRIT_SHAPE, "x is %s, its rank must be 2 or more", infer_shape(a, x));
    for (uint32_t i = 1; i < a->n_in; i++) {
        TRY(infer_rank_is(c, a, i, 1));
        TRY(infer_match(c, a, infer_in(a, i)->shape[0], x->shape[1], "parameter and channel sizes"));
    }
    TRY(infer_same_dtype(c, a, 0, a->n_in));
    *out = *x;
    return FRIT_OK;
}

frit_status infer_batch_norm(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    ((attr_norm *)a->attrs)->axis = 1;
    return channel_norm(c, a, out);
}

frit_status infer_instance_norm(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    ((attr_norm *)a->attrs)->axis = 1;
    return channel_norm(c, a, out);
}

static frit_status groups_divide(cx *c, const infer_args *a, int64_t groups, dim d, const char *what) {
    if (groups < 1 || groups > INT32_MAX)
        return infer_fail(c, a, FRIT_RANGE, "groups is %lld, must be 1 or more", (long long)groups);
    if (dim_divides(a->g->dims, infer_int(a, groups), d)) return FRIT_OK;
    int64_t rest;
    dim over = dim_mod(a->g->dims, d, infer_int(a, groups));
    if (over == DIM_BAD || dim_is_const(a->g->dims, over, &rest))
        return infer_fail(c, a, FRIT_SHAPE, "%s %s are not a multiple of %lld groups", what, infer_dim(a, d),
                          (long long)groups);
    const char *text =
        arena_printf(c->scratch, "%s %s must be a multiple of %lld groups:", what, infer_dim(a, d), (long long)groups);
    return infer_match(c, a, over, infer_int(a, 0), text);
}

frit_status infer_group_norm(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    TRY(channel_norm(c, a, out));
    return groups_divide(c, a, ((attr_group_norm *)a->attrs)->groups, infer_in(a, 0)->shape[1], "channels");
}

frit_status infer_lrn(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    const attr_lrn *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    TRY(needs_float(c, a));
    if (x->rank < 2) return infer_fail(c, a, FRIT_SHAPE, "x is %s, its rank must be 2 or more", infer_shape(a, x));
    if (t->size < 1 || t->size > INT32_MAX)
        return infer_fail(c, a, FRIT_RANGE, "size is %lld, must be 1 or more", (long long)t->size);
    *out = *x;
    return FRIT_OK;
}

/* What conv and conv_transpose share: dtypes, ranks, lists of strides, pads and dilations. */
static frit_status conv_common(cx *c, const infer_args *a, int_list *strides, int_list *pads, int_list *dilations) {
    const tensor_type *x = infer_in(a, 0);
    TRY(infer_same_dtype(c, a, 0, a->n_in));
    if (x->dt == FRIT_DT_BOOL) return infer_fail(c, a, FRIT_TYPE, "needs a number type, got bool");
    if (x->rank < 2) return infer_fail(c, a, FRIT_SHAPE, "x is %s, its rank must be 2 or more", infer_shape(a, x));
    TRY(infer_rank_is(c, a, 1, x->rank));
    uint32_t n = x->rank - 2;
    TRY(infer_ints(c, a, strides, "strides", n, 1, 1));
    TRY(infer_ints(c, a, dilations, "dilations", n, 1, 1));
    return infer_ints(c, a, pads, "pads", 2 * n, 0, INT32_MIN);
}

static frit_status conv_bias(cx *c, const infer_args *a, dim channels) {
    if (a->n_in < 3) return FRIT_OK;
    TRY(infer_rank_is(c, a, 2, 1));
    return infer_match(c, a, infer_in(a, 2)->shape[0], channels, "bias and output channels");
}

/* Kernel extent of spatial axis i, which must be constant. */
static frit_status kernel_size(cx *c, const infer_args *a, uint32_t i, int64_t *out) {
    dim d = infer_in(a, 1)->shape[2 + i];
    if (dim_is_const(a->g->dims, d, out) && *out >= 1 && *out <= INT32_MAX) return FRIT_OK;
    return infer_fail(c, a, FRIT_UNSUPPORTED, "kernel extent %s must be a positive constant", infer_dim(a, d));
}

static frit_status positive_extent(cx *c, const infer_args *a, uint32_t i, dim d) {
    if (d == DIM_BAD) return infer_fail(c, a, FRIT_RANGE, "spatial axis %u overflows", i);
    if (dim_le(a->g->dims, d, infer_int(a, -1)))
        return infer_fail(c, a, FRIT_SHAPE, "the window does not fit into spatial axis %u: output %s", i,
                          infer_dim(a, d));
    return FRIT_OK;
}

frit_status infer_conv(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_conv *t = a->attrs;
    const tensor_type *x = infer_in(a, 0), *w = infer_in(a, 1);
    dim_table *dims = a->g->dims;
    TRY(conv_common(c, a, &t->strides, &t->pads, &t->dilations));
    dim in = dim_mul(dims, w->shape[1], infer_int(a, t->groups));
    TRY(infer_match(c, a, x->shape[1], in, "input channels"));
    TRY(groups_divide(c, a, t->groups, x->shape[1], "channels"));
    TRY(groups_divide(c, a, t->groups, w->shape[0], "output channels"));
    TRY(conv_bias(c, a, w->shape[0]));
    dim *shape = shape_copy(a, x);
    shape[1] = w->shape[0];
    uint32_t n = x->rank - 2;
    for (uint32_t i = 0; i < n; i++) {
        window_dim k = {0, t->strides.at[i], t->dilations.at[i], t->pads.at[i], t->pads.at[n + i], false};
        TRY(kernel_size(c, a, i, &k.size));
        shape[2 + i] = infer_window_extent(a, x->shape[2 + i], &k);
        TRY(positive_extent(c, a, i, shape[2 + i]));
    }
    *out = (tensor_type){x->dt, x->rank, shape};
    return FRIT_OK;
}

frit_status infer_conv_transpose(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_conv_transpose *t = a->attrs;
    const tensor_type *x = infer_in(a, 0), *w = infer_in(a, 1);
    dim_table *dims = a->g->dims;
    TRY(conv_common(c, a, &t->strides, &t->pads, &t->dilations));
    uint32_t n = x->rank - 2;
    TRY(infer_ints(c, a, &t->output_pads, "output_pads", n, 0, 0));
    TRY(infer_match(c, a, x->shape[1], w->shape[0], "input channels"));
    TRY(groups_divide(c, a, t->groups, x->shape[1], "channels"));
    dim *shape = shape_copy(a, x);
    shape[1] = dim_mul(dims, w->shape[1], infer_int(a, t->groups));
    TRY(conv_bias(c, a, shape[1]));
    for (uint32_t i = 0; i < n; i++) {
        int64_t k = 0;
        TRY(kernel_size(c, a, i, &k));
        int64_t extra = (k - 1) * t->dilations.at[i] + 1 + t->output_pads.at[i] - t->pads.at[i] - t->pads.at[n + i];
        dim grown = dim_mul(dims, dim_sub(dims, x->shape[2 + i], infer_int(a, 1)), infer_int(a, t->strides.at[i]));
        shape[2 + i] = dim_add(dims, grown, infer_int(a, extra));
        TRY(positive_extent(c, a, i, shape[2 + i]));
    }
    *out = (tensor_type){x->dt, x->rank, shape};
    return FRIT_OK;
}

static frit_status pool(cx *c, const infer_args *a, tensor_type *out) {
    attr_pool *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    if (x->dt == FRIT_DT_BOOL) return infer_fail(c, a, FRIT_TYPE, "needs a number type, got bool");
    if (x->rank < 3) return infer_fail(c, a, FRIT_SHAPE, "x is %s, its rank must be 3 or more", infer_shape(a, x));
    uint32_t n = x->rank - 2;
    TRY(infer_ints(c, a, &t->sizes, "sizes", n, 1, 1));
    TRY(infer_ints(c, a, &t->strides, "strides", n, 1, 1));
    TRY(infer_ints(c, a, &t->dilations, "dilations", n, 1, 1));
    TRY(infer_ints(c, a, &t->pads, "pads", 2 * n, 0, 0));
    dim *shape = shape_copy(a, x);
    for (uint32_t i = 0; i < n; i++) {
        window_dim w = {t->sizes.at[i], t->strides.at[i],  t->dilations.at[i],
                        t->pads.at[i],  t->pads.at[n + i], t->ceil};
        shape[2 + i] = infer_window_extent(a, x->shape[2 + i], &w);
        TRY(positive_extent(c, a, i, shape[2 + i]));
    }
    *out = (tensor_type){x->dt, x->rank, shape};
    return FRIT_OK;
}

frit_status infer_max_pool(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    TRY(pool(c, a, out));
    out[1] = (tensor_type){FRIT_DT_I64, out[0].rank, out[0].shape};
    return FRIT_OK;
}

frit_status infer_avg_pool(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    TRY(needs_float(c, a));
    return pool(c, a, out);
}

/* x [.., D]; cos and sin end in half the rotated part and broadcast over the rest. */
frit_status infer_rope(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_rope *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    dim_table *dims = a->g->dims;
    TRY(needs_float(c, a));
    TRY(infer_same_dtype(c, a, 0, 3));
    int64_t d = 0;
    if (x->rank < 1 || !dim_is_const(dims, x->shape[x->rank - 1], &d))
        return infer_fail(c, a, FRIT_SHAPE, "x is %s, its last axis must be constant", infer_shape(a, x));
    if (t->rotary_dim == 0) t->rotary_dim = d;
    if (t->rotary_dim < 2 || t->rotary_dim > d || t->rotary_dim % 2)
        return infer_fail(c, a, FRIT_RANGE, "rotary_dim %lld must be even and in 2..%lld", (long long)t->rotary_dim,
                          (long long)d);
    tensor_type half = *x;
    dim *shape = shape_copy(a, x);
    shape[x->rank - 1] = infer_int(a, t->rotary_dim / 2);
    half.shape = shape;
    TRY(infer_broadcasts_to(c, a, infer_in(a, 1), &half, "cos sizes"));
    TRY(infer_broadcasts_to(c, a, infer_in(a, 2), &half, "sin sizes"));
    *out = *x;
    return FRIT_OK;
}

frit_status infer_resize(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    const attr_resize *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    if (t->out.n != x->rank) return infer_fail(c, a, FRIT_SHAPE, "out has %u dims for rank %u", t->out.n, x->rank);
    if (t->scales.n && t->scales.n != x->rank)
        return infer_fail(c, a, FRIT_SHAPE, "scales has %u entries for rank %u", t->scales.n, x->rank);
    if (t->roi.n && t->roi.n != 2 * x->rank)
        return infer_fail(c, a, FRIT_SHAPE, "roi has %u entries for rank %u", t->roi.n, x->rank);
    for (uint32_t i = 0; i < x->rank; i++)
        if (t->out.at[i] == DIM_BAD || dim_lt(a->g->dims, t->out.at[i], infer_int(a, 0)))
            return infer_fail(c, a, FRIT_RANGE, "out[%u] is not a size", i);
    *out = (tensor_type){x->dt, x->rank, t->out.at};
    return FRIT_OK;
}
