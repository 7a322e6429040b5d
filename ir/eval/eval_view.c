/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sources and views: operators that place elements without computing on them. Elements are copied bit for bit. */
#include "ir/eval/eval_ops.h"

static frit_status run_const(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    (void)in;
    TRY(eval_const(e->c, e->a, &((const attr_const *)n->attrs)->data, out));
    return n->out == VALUE_NONE ? FRIT_OK : value_bind(e, n->out, out, node_where(e, n));
}
const eval_row row_const = {.run = run_const};

static frit_status run_iota(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    (void)in;
    const attr_iota *at = n->attrs;
    int64_t shape[MAX_RANK];
    uint32_t axis;
    TRY(node_dims(e, n, at->dims, shape));
    TRY(axis_check(e, n, at->axis, at->dims.n, &axis));
    TRY(result_alloc(e, n, 0, at->to, at->dims.n, shape, out));
    walk w = {0};
    for (uint32_t i = 0; i < out->rank; i++) walk_axis(&w, shape[i], 0, 0, 0);
    int64_t to = 0;
    for (bool more = walk_start(&w); more; more = walk_next(&w)) {
        scalar v = dtype_convert(FRIT_DT_I64, out->dt, (scalar){.i = w.at[axis]}, false);
        dtype_store(out->dt, out->data, (size_t)to++, v);
    }
    return FRIT_OK;
}
const eval_row row_iota = {.run = run_iota};

static frit_status run_from_dims(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    (void)in;
    dim_list dims = ((const attr_dims *)n->attrs)->dims;
    int64_t count = dims.n;
    TRY(result_alloc(e, n, 0, FRIT_DT_I64, 1, &count, out));
    for (uint32_t i = 0; i < dims.n; i++) TRY(node_dim(e, n, dims.at[i], &((int64_t *)out->data)[i]));
    return FRIT_OK;
}
const eval_row row_from_dims = {.run = run_from_dims};

/* Copies x's elements at the offsets that w walks (operand 0) to out in order. */
static void copy_walk(const tensor *x, walk *w, tensor *out) {
    int64_t to = 0;
    for (bool more = walk_start(w); more; more = walk_next(w)) copy_element(x->dt, out->data, to++, x->data, w->off[0]);
}

static frit_status run_reshape(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    dim_list dims = ((const attr_dims *)n->attrs)->dims;
    int64_t shape[MAX_RANK];
    TRY(node_dims(e, n, dims, shape));
    TRY(result_alloc(e, n, 0, in->dt, dims.n, shape, out));
    if (tensor_count(out) != tensor_count(in))
        return FAIL(e->c, SHAPE, node_where(e, n), "reshape: %lld elements do not fit %lld",
                    (long long)tensor_count(in), (long long)tensor_count(out));
    int64_t count = tensor_count(in);
    for (int64_t i = 0; i < count; i++) copy_element(in->dt, out->data, i, in->data, i);
    return FRIT_OK;
}
const eval_row row_reshape = {.run = run_reshape};

static frit_status run_transpose(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    int_list perm = ((const attr_perm *)n->attrs)->perm;
    int64_t shape[MAX_RANK], strides[MAX_RANK];
    strides_of(in->rank, in->shape, strides);
    if (perm.n != in->rank) return FAIL(e->c, SHAPE, node_where(e, n), "transpose: perm has the wrong length");
    walk w = {0};
    for (uint32_t i = 0; i < in->rank; i++) {
        uint32_t from;
        TRY(axis_check(e, n, perm.at[i], in->rank, &from));
        shape[i] = in->shape[from];
        walk_axis(&w, shape[i], strides[from], 0, 0);
    }
    TRY(result_alloc(e, n, 0, in->dt, in->rank, shape, out));
    copy_walk(in, &w, out);
    return FRIT_OK;
}
const eval_row row_transpose = {.run = run_transpose};

static frit_status run_broadcast(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    dim_list dims = ((const attr_dims *)n->attrs)->dims;
    int64_t shape[MAX_RANK], strides[MAX_RANK];
    TRY(node_dims(e, n, dims, shape));
    TRY(result_alloc(e, n, 0, in->dt, dims.n, shape, out));
    if (!broadcast_strides(in, dims.n, shape, strides))
        return FAIL(e->c, SHAPE, node_where(e, n), "broadcast: the shapes do not agree");
    walk w = {0};
    for (uint32_t i = 0; i < dims.n; i++) walk_axis(&w, shape[i], strides[i], 0, 0);
    copy_walk(in, &w, out);
    return FRIT_OK;
}
const eval_row row_broadcast = {.run = run_broadcast};

/* Whether start, start + step, .. (size of them) all lie in 0..extent-1. */
static bool range_fits(int64_t start, int64_t size, int64_t step, int64_t extent) {
    int64_t span, last;
    if (size <= 0) return size == 0;
    if (__builtin_mul_overflow(size - 1, step, &span) || __builtin_add_overflow(start, span, &last)) return false;
    return start >= 0 && start < extent && last >= 0 && last < extent;
}

static frit_status run_slice(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const attr_slice *at = n->attrs;
    int64_t starts[MAX_RANK], sizes[MAX_RANK], strides[MAX_RANK];
    if (at->starts.n != in->rank || at->sizes.n != in->rank)
        return FAIL(e->c, SHAPE, node_where(e, n), "slice: starts and sizes need one entry for each axis");
    TRY(node_dims(e, n, at->starts, starts));
    TRY(node_dims(e, n, at->sizes, sizes));
    TRY(result_alloc(e, n, 0, in->dt, in->rank, sizes, out));
    strides_of(in->rank, in->shape, strides);
    walk w = {0};
    for (uint32_t i = 0; i < in->rank; i++) {
        int64_t step = list_or(at->steps, i, 1);
        if (!range_fits(starts[i], sizes[i], step, in->shape[i]))
            return FAIL(e->c, RANGE, node_where(e, n), "slice: axis %u leaves 0..%lld", i, (long long)in->shape[i]);
        walk_axis(&w, sizes[i], strides[i] * step, 0, 0);
        w.off[0] += strides[i] * starts[i];
    }
    copy_walk(in, &w, out);
    return FRIT_OK;
}
const eval_row row_slice = {.run = run_slice};

static int64_t floor_mod(int64_t a, int64_t b) { return (a % b + b) % b; }

/* Where position p of a padded axis reads an axis of extent n, without what negative pads cut off; -1: the fill value.
 */
static int64_t pad_source(pad_mode mode, int64_t p, int64_t n) {
    if (p >= 0 && p < n) return p;
    switch (mode) {
    case PM_constant:
        return -1;
    case PM_edge:
        return p < 0 ? 0 : n - 1;
    case PM_wrap:
        return floor_mod(p, n);
    case PM_reflect: {
        if (n == 1) return 0;
        int64_t m = floor_mod(p, 2 * (n - 1)); /* period: there and back without repeating the ends */
        return m < n ? m : 2 * (n - 1) - m;
    }
    }
    return -1;
}

/* Element offset of a point through one table of source positions an axis, or -1 when any of them is -1. */
static int64_t mapped_offset(const walk *w, int64_t *const *maps, const int64_t *strides) {
    int64_t off = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        int64_t from = maps[i][w->at[i]];
        if (from < 0) return -1;
        off += from * strides[i];
    }
    return off;
}

/* Copies element from of x, or the fill value (second operand, 0 without) when from is negative. */
static void copy_or_fill(const node *n, const tensor *in, int64_t from, tensor *out, int64_t to) {
    if (from >= 0)
        copy_element(in->dt, out->data, to, in->data, from);
    else if (n->n_in > 1)
        copy_element(in->dt, out->data, to, in[1].data, 0);
    else
        dtype_store(in->dt, out->data, (size_t)to, dtype_from_f64(in->dt, 0));
}

static frit_status run_pad(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const attr_pad *at = n->attrs;
    int64_t lo[MAX_RANK], hi[MAX_RANK], shape[MAX_RANK], strides[MAX_RANK], *maps[MAX_RANK];
    if (at->lo.n != in->rank || at->hi.n != in->rank)
        return FAIL(e->c, SHAPE, node_where(e, n), "pad: lo and hi need one entry for each axis");
    TRY(node_dims(e, n, at->lo, lo));
    TRY(node_dims(e, n, at->hi, hi));
    for (uint32_t i = 0; i < in->rank; i++)
        if (__builtin_add_overflow(in->shape[i], lo[i], &shape[i]) ||
            __builtin_add_overflow(shape[i], hi[i], &shape[i]))
            return FAIL(e->c, RANGE, node_where(e, n), "pad: axis %u overflows", i);
    TRY(result_alloc(e, n, 0, in->dt, in->rank, shape, out));
    strides_of(in->rank, in->shape, strides);
    walk w = {0};
    for (uint32_t i = 0; i < in->rank; i++) {
        int64_t first = lo[i] < 0 ? -lo[i] : 0, left = in->shape[i] - first + (hi[i] < 0 ? hi[i] : 0);
        if (shape[i] > 0 && left <= 0 && at->mode != PM_constant)
            return FAIL(e->c, RANGE, node_where(e, n), "pad: axis %u is empty, there is nothing to repeat", i);
        maps[i] = ARENA_ARRAY(e->c->scratch, int64_t, shape[i] + 1);
        for (int64_t p = 0; p < shape[i]; p++) {
            int64_t from = pad_source(at->mode, p - lo[i] - first, left);
            maps[i][p] = from < 0 ? -1 : from + first;
        }
        walk_axis(&w, shape[i], 0, 0, 0);
    }
    int64_t to = 0;
    for (bool more = walk_start(&w); more; more = walk_next(&w))
        copy_or_fill(n, in, mapped_offset(&w, maps, strides), out, to++);
    return FRIT_OK;
}
const eval_row row_pad = {.run = run_pad};

static frit_status run_window(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const attr_window *at = n->attrs;
    int64_t outs[MAX_RANK], shape[MAX_RANK], strides[MAX_RANK];
    uint32_t rank = in->rank + at->axes.n;
    if (rank > MAX_RANK || at->out.n != at->axes.n || at->sizes.n != at->axes.n)
        return FAIL(e->c, SHAPE, node_where(e, n), "window: axes, sizes and out disagree");
    TRY(node_dims(e, n, at->out, outs));
    for (uint32_t i = 0; i < in->rank; i++) shape[i] = in->shape[i];
    uint32_t windowed[MAX_RANK];
    for (uint32_t k = 0; k < at->axes.n; k++) {
        TRY(axis_check(e, n, at->axes.at[k], in->rank, &windowed[k]));
        shape[windowed[k]] = outs[k];
        shape[in->rank + k] = at->sizes.at[k];
    }
    TRY(result_alloc(e, n, 0, in->dt, rank, shape, out));
    strides_of(in->rank, in->shape, strides);
    walk w = {0};
    for (uint32_t i = 0; i < rank; i++) walk_axis(&w, shape[i], 0, 0, 0);
    int64_t to = 0;
    for (bool more = walk_start(&w); more; more = walk_next(&w)) {
        int64_t from[MAX_RANK], off = 0;
        for (uint32_t i = 0; i < in->rank; i++) from[i] = w.at[i];
        for (uint32_t k = 0; k < at->axes.n; k++)
            from[windowed[k]] = w.at[windowed[k]] * list_or(at->strides, k, 1) +
                                w.at[in->rank + k] * list_or(at->dilations, k, 1) - list_or(at->pads, k, 0);
        for (uint32_t i = 0; i < in->rank && off >= 0; i++)
            off = from[i] < 0 || from[i] >= in->shape[i] ? -1 : off + from[i] * strides[i];
        copy_or_fill(n, in, off, out, to++);
    }
    return FRIT_OK;
}
const eval_row row_window = {.run = run_window};

static frit_status run_concat(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    uint32_t axis;
    TRY(axis_check(e, n, ((const attr_axis *)n->attrs)->axis, in->rank, &axis));
    int64_t shape[MAX_RANK], strides[MAX_RANK], first = 0;
    for (uint32_t i = 0; i < in->rank; i++) shape[i] = in->shape[i];
    shape[axis] = 0;
    for (uint32_t k = 0; k < n->n_in; k++) {
        bool agrees = in[k].rank == in->rank;
        for (uint32_t i = 0; agrees && i < in->rank; i++) agrees = i == axis || in[k].shape[i] == in->shape[i];
        if (!agrees) return FAIL(e->c, SHAPE, node_where(e, n), "concat: the shape of operand %u disagrees", k);
        shape[axis] += in[k].shape[axis];
    }
    TRY(result_alloc(e, n, 0, in->dt, in->rank, shape, out));
    strides_of(in->rank, shape, strides);
    for (uint32_t k = 0; k < n->n_in; k++) {
        walk w = {.off = {first * strides[axis]}};
        for (uint32_t i = 0; i < in->rank; i++) walk_axis(&w, in[k].shape[i], strides[i], 0, 0);
        int64_t from = 0;
        for (bool more = walk_start(&w); more; more = walk_next(&w))
            copy_element(in->dt, out->data, w.off[0], in[k].data, from++);
        first += in[k].shape[axis];
    }
    return FRIT_OK;
}
const eval_row row_concat = {.run = run_concat};
