/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Result types of sources (const, iota, ...) and views. */
#include <string.h>

#include "ir/graph/infer.h"

/* A copy of operand 0's shape to change. */
static dim *shape_of(const infer_args *a) {
    const tensor_type *t = infer_in(a, 0);
    dim *shape = infer_new_shape(a, t->rank);
    if (t->rank) memcpy(shape, t->shape, t->rank * sizeof *shape);
    return shape;
}

static frit_status dims_are_sizes(cx *c, const infer_args *a, const dim_list *l, const char *name) {
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->at[i] == DIM_BAD) return infer_fail(c, a, FRIT_RANGE, "%s[%u] overflows 64 bits", name, i);
        if (dim_lt(a->g->dims, l->at[i], infer_int(a, 0)))
            return infer_fail(c, a, FRIT_RANGE, "%s[%u] is %s, below 0", name, i, infer_dim(a, l->at[i]));
        TRY(infer_at_most(c, a, infer_int(a, 0), l->at[i], "an extent is negative"));
    }
    return FRIT_OK;
}

static frit_status list_has(cx *c, const infer_args *a, const char *name, uint32_t n, uint32_t want) {
    if (n == want) return FRIT_OK;
    return infer_fail(c, a, FRIT_SHAPE, "%s has %u entries, needs %u", name, n, want);
}

frit_status infer_const(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    const const_data *d = &((attr_const *)a->attrs)->data;
    if (d->dt == FRIT_DT_NONE) return infer_fail(c, a, FRIT_TYPE, "has no element type");
    dim *shape = infer_new_shape(a, d->dims.n);
    int64_t count = 1;
    for (uint32_t i = 0; i < d->dims.n; i++) {
        if (d->dims.at[i] < 0 || __builtin_mul_overflow(count, d->dims.at[i], &count))
            return infer_fail(c, a, FRIT_RANGE, "dim %u is %lld: negative or too large", i, (long long)d->dims.at[i]);
        shape[i] = infer_int(a, d->dims.at[i]);
    }
    if (d->kind == CONST_DENSE && count && !d->bytes && !d->file) return infer_fail(c, a, FRIT_MISSING, "has no data");
    return infer_result(c, a, out, (tensor_type){d->dt, d->dims.n, shape});
}

frit_status infer_iota(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_iota *t = a->attrs;
    if (t->to == FRIT_DT_NONE) t->to = FRIT_DT_I64;
    if (dtype_kind_of(t->to) == DTYPE_BOOL) return infer_fail(c, a, FRIT_TYPE, "counts in numbers, not bool");
    TRY(dims_are_sizes(c, a, &t->dims, "dims"));
    TRY(infer_axis(c, a, &t->axis, t->dims.n));
    return infer_result(c, a, out, (tensor_type){t->to, t->dims.n, t->dims.at});
}

frit_status infer_from_dims(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    const attr_dims *t = a->attrs;
    for (uint32_t i = 0; i < t->dims.n; i++)
        if (t->dims.at[i] == DIM_BAD) return infer_fail(c, a, FRIT_RANGE, "dims[%u] overflows 64 bits", i);
    dim *shape = infer_new_shape(a, 1);
    shape[0] = infer_int(a, t->dims.n);
    return infer_result(c, a, out, (tensor_type){FRIT_DT_I64, 1, shape});
}

frit_status infer_random(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_random *t = a->attrs;
    if (t->to == FRIT_DT_NONE) t->to = FRIT_DT_F32;
    if (!dtype_is_float(t->to) && t->kind != RD_bernoulli)
        return infer_fail(c, a, FRIT_TYPE, "gives floats, not %s", dtype_name(t->to));
    TRY(dims_are_sizes(c, a, &t->dims, "dims"));
    return infer_result(c, a, out, (tensor_type){t->to, t->dims.n, t->dims.at});
}

frit_status infer_reshape(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    const attr_dims *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    dim_table *dims = a->g->dims;
    TRY(dims_are_sizes(c, a, &t->dims, "dims"));
    TRY(infer_result(c, a, out, (tensor_type){x->dt, t->dims.n, t->dims.at}));
    dim have = dim_product(dims, x->rank, x->shape), want = dim_product(dims, t->dims.n, t->dims.at);
    if (have != DIM_BAD && want != DIM_BAD && dim_never_equal(dims, have, want))
        return infer_fail(c, a, FRIT_SHAPE, "%s has not as many elements as %s", infer_shape(a, x),
                          infer_shape(a, out));
    return infer_match(c, a, have, want, "element counts");
}

frit_status infer_transpose(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_perm *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    TRY(list_has(c, a, "perm", t->perm.n, x->rank));
    TRY(infer_axes(c, a, &t->perm, x->rank));
    dim *shape = infer_new_shape(a, x->rank);
    for (uint32_t i = 0; i < x->rank; i++) shape[i] = x->shape[t->perm.at[i]];
    return infer_result(c, a, out, (tensor_type){x->dt, x->rank, shape});
}

frit_status infer_broadcast(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    const attr_dims *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    TRY(dims_are_sizes(c, a, &t->dims, "dims"));
    TRY(infer_result(c, a, out, (tensor_type){x->dt, t->dims.n, t->dims.at}));
    return infer_broadcasts_to(c, a, x, out, "sizes");
}

/* One axis of a slice: what can be proved to leave the tensor is refused. */
static frit_status slice_axis(cx *c, const infer_args *a, uint32_t i, const attr_slice *t) {
    dim_table *dims = a->g->dims;
    dim start = t->starts.at[i], size = t->sizes.at[i], extent = infer_in(a, 0)->shape[i];
    if (start == DIM_BAD || size == DIM_BAD) return infer_fail(c, a, FRIT_RANGE, "axis %u overflows 64 bits", i);
    if (t->steps.at[i] == 0) return infer_fail(c, a, FRIT_RANGE, "steps[%u] is 0", i);
    dim zero = infer_int(a, 0), one = infer_int(a, 1);
    dim last = dim_add(dims, start, dim_mul(dims, dim_sub(dims, size, one), infer_int(a, t->steps.at[i])));
    bool is_out = dim_lt(dims, start, zero) || dim_le(dims, extent, start) || dim_lt(dims, last, zero) ||
                  dim_le(dims, extent, last);
    if (is_out && dim_le(dims, one, size))
        return infer_fail(c, a, FRIT_RANGE, "axis %u: elements %s..%s lie outside its extent %s", i,
                          infer_dim(a, start), infer_dim(a, last), infer_dim(a, extent));
    /* of an empty slice no element is read: 0 stands for its bounds */
    dim is_any = dim_min(dims, size, one), up = t->steps.at[i] > 0 ? last : start, down = up == last ? start : last;
    const char *what = arena_printf(a->g->a, "elements %s..%s of axis %u lie outside its extent %s",
                                    infer_dim(a, start), infer_dim(a, last), i, infer_dim(a, extent));
    if (!dim_le(dims, zero, down))
        TRY(infer_at_most(c, a, dim_mul(dims, is_any, dim_sub(dims, zero, down)), zero, what));
    return infer_at_most(c, a, dim_mul(dims, is_any, dim_add(dims, up, one)), extent, what);
}

frit_status infer_slice(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_slice *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    TRY(list_has(c, a, "starts", t->starts.n, x->rank));
    TRY(list_has(c, a, "sizes", t->sizes.n, x->rank));
    TRY(infer_ints(c, a, &t->steps, "steps", x->rank, 1, INT32_MIN));
    TRY(dims_are_sizes(c, a, &t->sizes, "sizes"));
    for (uint32_t i = 0; i < x->rank; i++) TRY(slice_axis(c, a, i, t));
    return infer_result(c, a, out, (tensor_type){x->dt, x->rank, t->sizes.at});
}

static frit_status fill_is_scalar(cx *c, const infer_args *a) {
    if (a->n_in < 2) return FRIT_OK;
    TRY(infer_rank_is(c, a, 1, 0));
    return infer_same_dtype(c, a, 0, 2);
}

frit_status infer_pad(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    const attr_pad *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    dim_table *dims = a->g->dims;
    TRY(list_has(c, a, "lo", t->lo.n, x->rank));
    TRY(list_has(c, a, "hi", t->hi.n, x->rank));
    TRY(fill_is_scalar(c, a));
    dim *shape = shape_of(a), zero = dim_const(dims, 0);
    for (uint32_t i = 0; i < x->rank; i++) shape[i] = dim_add(dims, shape[i], dim_add(dims, t->lo.at[i], t->hi.at[i]));
    dim_list sizes = {x->rank, shape};
    TRY(dims_are_sizes(c, a, &sizes, "size"));
    for (uint32_t i = 0; i < x->rank && t->mode != PM_constant; i++) {
        dim cropped = dim_add(dims, dim_min(dims, t->lo.at[i], zero), dim_min(dims, t->hi.at[i], zero));
        if (shape[i] != x->shape[i]) TRY(infer_not_empty(c, a, shape[i], dim_add(dims, x->shape[i], cropped)));
    }
    return infer_result(c, a, out, (tensor_type){x->dt, x->rank, shape});
}

static frit_status window_out(cx *c, const infer_args *a, attr_window *t, const dim *shape) {
    uint32_t n = t->axes.n;
    dim *computed = infer_new_shape(a, n);
    for (uint32_t i = 0; i < n; i++) {
        window_dim w = {t->sizes.at[i], t->strides.at[i], t->dilations.at[i], t->pads.at[i], t->pads.at[n + i], false};
        computed[i] = infer_window_extent(a, shape[t->axes.at[i]], &w);
    }
    if (t->out.n == 0) t->out = (dim_list){n, computed};
    TRY(list_has(c, a, "out", t->out.n, n));
    return dims_are_sizes(c, a, &t->out, "out");
}

frit_status infer_window(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_window *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    TRY(fill_is_scalar(c, a));
    TRY(infer_axes(c, a, &t->axes, x->rank));
    uint32_t n = t->axes.n;
    TRY(infer_ints(c, a, &t->sizes, "sizes", n, 1, 1));
    TRY(infer_ints(c, a, &t->strides, "strides", n, 1, 1));
    TRY(infer_ints(c, a, &t->dilations, "dilations", n, 1, 1));
    TRY(infer_ints(c, a, &t->pads, "pads", 2 * n, 0, INT32_MIN));
    TRY(window_out(c, a, t, x->shape));
    dim *shape = infer_new_shape(a, x->rank + n);
    memcpy(shape, x->shape, x->rank * sizeof *shape);
    for (uint32_t i = 0; i < n; i++) {
        shape[t->axes.at[i]] = t->out.at[i];
        shape[x->rank + i] = infer_int(a, t->sizes.at[i]);
    }
    return infer_result(c, a, out, (tensor_type){x->dt, x->rank + n, shape});
}

frit_status infer_concat(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    (void)out_n;
    attr_axis *t = a->attrs;
    const tensor_type *x = infer_in(a, 0);
    TRY(infer_same_dtype(c, a, 0, a->n_in));
    TRY(infer_axis(c, a, &t->axis, x->rank));
    dim *shape = shape_of(a);
    for (uint32_t i = 1; i < a->n_in; i++) {
        const tensor_type *y = infer_in(a, i);
        TRY(infer_rank_is(c, a, i, x->rank));
        for (uint32_t k = 0; k < x->rank; k++) {
            if (k == (uint32_t)t->axis)
                shape[k] = dim_add(a->g->dims, shape[k], y->shape[k]);
            else
                TRY(infer_match(c, a, shape[k], y->shape[k], "sizes"));
        }
    }
    return infer_result(c, a, out, (tensor_type){x->dt, x->rank, shape});
}
