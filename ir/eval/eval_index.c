/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Movement by data: gather, scatter, topk, nonzero, update. An index outside its axis is FRIT_RANGE. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir/eval/eval_ops.h"

/* Element at of an index tensor as a position on an axis of that extent; negative ones count from the end. */
static frit_status index_at(eval_cx *e, const node *n, const tensor *idx, int64_t at, int64_t extent, int64_t *out) {
    int64_t given = load_index(idx, at), i = given < 0 ? given + extent : given;
    if (i < 0 || i >= extent)
        return FAIL(e->c, RANGE, node_where(e, n), "%s: index %lld is outside an axis of %lld", op_name(n->op),
                    (long long)given, (long long)extent);
    *out = i;
    return FRIT_OK;
}

/* Copies count elements in a row. */
static void copy_run(dtype dt, tensor *out, int64_t to, const tensor *x, int64_t from, int64_t count) {
    for (int64_t i = 0; i < count; i++) copy_element(dt, out->data, to + i, x->data, from + i);
}

static frit_status run_gather(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const tensor *x = &in[0], *idx = &in[1];
    uint32_t axis, rank = x->rank + idx->rank - 1;
    int64_t shape[2 * MAX_RANK];
    TRY(axis_check(e, n, ((const attr_axis *)n->attrs)->axis, x->rank, &axis));
    for (uint32_t i = 0; i < axis; i++) shape[i] = x->shape[i];
    for (uint32_t i = 0; i < idx->rank; i++) shape[axis + i] = idx->shape[i];
    for (uint32_t i = axis + 1; i < x->rank; i++) shape[idx->rank + i - 1] = x->shape[i];
    TRY(result_alloc(e, n, 0, x->dt, rank, shape, out));
    int64_t outer = shape_product(axis, x->shape), inner = shape_product(x->rank - axis - 1, x->shape + axis + 1);
    int64_t n_idx = tensor_count(idx), to = 0;
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t k = 0; k < n_idx; k++, to += inner) {
            int64_t i;
            TRY(index_at(e, n, idx, k, x->shape[axis], &i));
            copy_run(x->dt, out, to, x, (o * x->shape[axis] + i) * inner, inner);
        }
    }
    return FRIT_OK;
}
const eval_row row_gather = {.run = run_gather};

/* Walks the points of idx; operand 0 is at x with the axis left out. Errors: idx larger than x off the axis. */
static frit_status along_axis(eval_cx *e, const node *n, const tensor *x, const tensor *idx, uint32_t axis,
                              int64_t *strides, walk *w) {
    if (idx->rank != x->rank) return FAIL(e->c, SHAPE, node_where(e, n), "%s: ranks differ", op_name(n->op));
    strides_of(x->rank, x->shape, strides);
    for (uint32_t i = 0; i < x->rank; i++) {
        if (i != axis && idx->shape[i] > x->shape[i])
            return FAIL(e->c, SHAPE, node_where(e, n), "%s: axis %u of the indices is too long", op_name(n->op), i);
        walk_axis(w, idx->shape[i], i == axis ? 0 : strides[i], 0, 0);
    }
    return FRIT_OK;
}

static frit_status run_gather_elements(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const tensor *x = &in[0], *idx = &in[1];
    uint32_t axis;
    int64_t strides[MAX_RANK], to = 0;
    walk w = {0};
    TRY(axis_check(e, n, ((const attr_axis *)n->attrs)->axis, x->rank, &axis));
    TRY(along_axis(e, n, x, idx, axis, strides, &w));
    TRY(result_like(e, n, x->dt, idx, out));
    for (bool more = walk_start(&w); more; more = walk_next(&w), to++) {
        int64_t i;
        TRY(index_at(e, n, idx, to, x->shape[axis], &i));
        copy_element(x->dt, out->data, to, x->data, w.off[0] + i * strides[axis]);
    }
    return FRIT_OK;
}
const eval_row row_gather_elements = {.run = run_gather_elements};

/* Offset of the slice of x that index tuple number at names; its axes begin at axis first of x. */
static frit_status tuple_offset(eval_cx *e, const node *n, const tensor *x, uint32_t first, const tensor *idx,
                                int64_t at, int64_t *out) {
    uint32_t width = (uint32_t)idx->shape[idx->rank - 1];
    int64_t strides[MAX_RANK], off = 0;
    strides_of(x->rank, x->shape, strides);
    for (uint32_t k = 0; k < width; k++) {
        int64_t i;
        TRY(index_at(e, n, idx, at * width + k, x->shape[first + k], &i));
        off += i * strides[first + k];
    }
    *out = off;
    return FRIT_OK;
}

static frit_status run_gather_nd(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const tensor *x = &in[0], *idx = &in[1];
    int64_t given = ((const attr_gather_nd *)n->attrs)->batch_dims;
    bool fits = given >= 0 && given < idx->rank && given <= x->rank && idx->rank > 0;
    int64_t width = fits ? idx->shape[idx->rank - 1] : 0;
    if (!fits || width > x->rank - given)
        return FAIL(e->c, SHAPE, node_where(e, n), "gather_nd: the index tuples do not fit the data");
    uint32_t batch = (uint32_t)given, first = batch + (uint32_t)width, rank = idx->rank - 1 + x->rank - first;
    int64_t shape[2 * MAX_RANK];
    for (uint32_t i = 0; i + 1 < idx->rank; i++) shape[i] = idx->shape[i];
    for (uint32_t i = first; i < x->rank; i++) shape[idx->rank - 1 + i - first] = x->shape[i];
    TRY(result_alloc(e, n, 0, x->dt, rank, shape, out));
    int64_t n_batch = shape_product(batch, x->shape), slice = shape_product(x->rank - first, x->shape + first);
    int64_t n_tuples = shape_product(idx->rank - 1 - batch, idx->shape + batch);
    int64_t batch_size = shape_product(x->rank - batch, x->shape + batch), to = 0;
    for (int64_t b = 0; b < n_batch; b++) {
        for (int64_t k = 0; k < n_tuples; k++, to += slice) {
            int64_t off;
            TRY(tuple_offset(e, n, x, batch, idx, b * n_tuples + k, &off));
            copy_run(x->dt, out, to, x, b * batch_size + off, slice);
        }
    }
    return FRIT_OK;
}
const eval_row row_gather_nd = {.run = run_gather_nd};

static scalar combine(scatter_mode mode, dtype dt, scalar old, scalar update) {
    const scalar both[2] = {old, update};
    switch (mode) {
    case SM_set:
        return update;
    case SM_add:
        return eval_scalar(OP_add, NULL, dt, both);
    case SM_mul:
        return eval_scalar(OP_mul, NULL, dt, both);
    case SM_min:
        return eval_scalar(OP_min, NULL, dt, both);
    case SM_max:
        return eval_scalar(OP_max, NULL, dt, both);
    }
    return update;
}

static void combine_at(scatter_mode mode, tensor *out, int64_t to, const tensor *updates, int64_t from) {
    scalar old = dtype_load(out->dt, out->data, (size_t)to);
    scalar update = dtype_load(out->dt, updates->data, (size_t)from);
    dtype_store(out->dt, out->data, (size_t)to, combine(mode, out->dt, old, update));
}

static frit_status run_scatter_elements(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const tensor *x = &in[0], *idx = &in[1], *updates = &in[2];
    const attr_scatter *at = n->attrs;
    uint32_t axis;
    int64_t strides[MAX_RANK], from = 0;
    walk w = {0};
    TRY(axis_check(e, n, at->axis, x->rank, &axis));
    TRY(along_axis(e, n, x, idx, axis, strides, &w));
    if (tensor_count(updates) != tensor_count(idx))
        return FAIL(e->c, SHAPE, node_where(e, n), "scatter_elements: indices and updates differ in shape");
    TRY(result_like(e, n, x->dt, x, out));
    copy_run(x->dt, out, 0, x, 0, tensor_count(x));
    for (bool more = walk_start(&w); more; more = walk_next(&w), from++) {
        int64_t i;
        TRY(index_at(e, n, idx, from, x->shape[axis], &i));
        combine_at(at->mode, out, w.off[0] + i * strides[axis], updates, from);
    }
    return FRIT_OK;
}
const eval_row row_scatter_elements = {.run = run_scatter_elements};

static frit_status run_scatter_nd(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const tensor *x = &in[0], *idx = &in[1], *updates = &in[2];
    scatter_mode mode = ((const attr_scatter *)n->attrs)->mode;
    if (idx->rank == 0 || idx->shape[idx->rank - 1] > x->rank)
        return FAIL(e->c, SHAPE, node_where(e, n), "scatter_nd: the index tuples do not fit the data");
    uint32_t width = (uint32_t)idx->shape[idx->rank - 1];
    int64_t slice = shape_product(x->rank - width, x->shape + width);
    int64_t n_tuples = shape_product(idx->rank - 1, idx->shape);
    if (tensor_count(updates) != n_tuples * slice)
        return FAIL(e->c, SHAPE, node_where(e, n), "scatter_nd: updates do not have one slice for each tuple");
    TRY(result_like(e, n, x->dt, x, out));
    copy_run(x->dt, out, 0, x, 0, tensor_count(x));
    for (int64_t k = 0; k < n_tuples; k++) {
        int64_t off;
        TRY(tuple_offset(e, n, x, 0, idx, k, &off));
        for (int64_t i = 0; i < slice; i++) combine_at(mode, out, off + i, updates, k * slice + i);
    }
    return FRIT_OK;
}
const eval_row row_scatter_nd = {.run = run_scatter_nd};

/* Order of topk: NaN is above all numbers. */
static bool ranks_before(dtype dt, bool largest, scalar a, scalar b) {
    if (dtype_is_float(dt)) {
        if (isnan(a.f) || isnan(b.f)) return largest ? isnan(a.f) && !isnan(b.f) : isnan(b.f) && !isnan(a.f);
        return largest ? a.f > b.f : a.f < b.f;
    }
    if (dtype_kind_of(dt) == DTYPE_UINT) return largest ? a.u > b.u : a.u < b.u;
    return largest ? a.i > b.i : a.i < b.i;
}

/* Stable insertion of the k best of one line into out at offset to, both with the same stride. */
static void topk_line(const tensor *x, int64_t from, int64_t stride, int64_t extent, int64_t k, bool largest,
                      tensor *out, int64_t to) {
    dtype dt = x->dt;
    int64_t *index = out[1].data, n = 0;
    for (int64_t i = 0; i < extent; i++) {
        scalar v = dtype_load(dt, x->data, (size_t)(from + i * stride));
        int64_t at = n < k ? n++ : k;
        for (; at > 0; at--) {
            int64_t above = to + (at - 1) * stride;
            if (!ranks_before(dt, largest, v, dtype_load(dt, out->data, (size_t)above))) break;
            if (at == k) continue;
            copy_element(dt, out->data, above + stride, out->data, above);
            index[above + stride] = index[above];
        }
        if (at == k) continue;
        dtype_store(dt, out->data, (size_t)(to + at * stride), v);
        index[to + at * stride] = i;
    }
}

static frit_status run_topk(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const attr_topk *at = n->attrs;
    uint32_t axis;
    int64_t k, shape[MAX_RANK];
    TRY(axis_check(e, n, at->axis, in->rank, &axis));
    if (at->k.n != 1) return FAIL(e->c, SHAPE, node_where(e, n), "topk: k is one number");
    TRY(node_dim(e, n, at->k.at[0], &k));
    if (k < 0 || k > in->shape[axis])
        return FAIL(e->c, RANGE, node_where(e, n), "topk: k = %lld of %lld", (long long)k, (long long)in->shape[axis]);
    for (uint32_t i = 0; i < in->rank; i++) shape[i] = i == axis ? k : in->shape[i];
    TRY(result_alloc(e, n, 0, in->dt, in->rank, shape, &out[0]));
    TRY(result_alloc(e, n, 1, FRIT_DT_I64, in->rank, shape, &out[1]));
    int64_t outer = shape_product(axis, shape), inner = shape_product(in->rank - axis - 1, shape + axis + 1);
    for (int64_t o = 0; o < outer && k > 0; o++)
        for (int64_t i = 0; i < inner; i++)
            topk_line(in, o * in->shape[axis] * inner + i, inner, in->shape[axis], k, at->largest, out,
                      o * k * inner + i);
    return FRIT_OK;
}
const eval_row row_topk = {.run = run_topk};

static bool is_nonzero(const tensor *x, int64_t at) {
    scalar v = dtype_load(x->dt, x->data, (size_t)at);
    return dtype_is_float(x->dt) ? v.f != 0 : v.i != 0;
}

static frit_status run_nonzero(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    int64_t count = tensor_count(in), found = 0;
    for (int64_t i = 0; i < count; i++) found += is_nonzero(in, i);
    TRY(result_alloc(e, n, 0, FRIT_DT_I64, 2, (const int64_t[]){in->rank, found}, out));
    walk w = {0};
    for (uint32_t i = 0; i < in->rank; i++) walk_axis(&w, in->shape[i], 0, 0, 0);
    int64_t from = 0, to = 0, *index = out->data;
    for (bool more = walk_start(&w); more; more = walk_next(&w)) {
        if (!is_nonzero(in, from++)) continue;
        for (uint32_t i = 0; i < in->rank; i++) index[i * found + to] = w.at[i];
        to++;
    }
    return FRIT_OK;
}
const eval_row row_nonzero = {.run = run_nonzero};

static frit_status run_update(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const tensor *x = &in[0], *y = &in[1];
    dim_list list = ((const attr_update *)n->attrs)->starts;
    int64_t starts[MAX_RANK], strides[MAX_RANK];
    if (y->rank != x->rank || list.n != x->rank) return FAIL(e->c, SHAPE, node_where(e, n), "update: ranks differ");
    TRY(node_dims(e, n, list, starts));
    strides_of(x->rank, x->shape, strides);
    walk w = {0};
    for (uint32_t i = 0; i < x->rank; i++) {
        if (starts[i] < 0 || starts[i] > x->shape[i] - y->shape[i])
            return FAIL(e->c, RANGE, node_where(e, n), "update: the block leaves axis %u", i);
        walk_axis(&w, y->shape[i], strides[i], 0, 0);
        w.off[0] += strides[i] * starts[i];
    }
    TRY(result_like(e, n, x->dt, x, out));
    copy_run(x->dt, out, 0, x, 0, tensor_count(x));
    int64_t from = 0;
    for (bool more = walk_start(&w); more; more = walk_next(&w))
        copy_element(x->dt, out->data, w.off[0], y->data, from++);
    return FRIT_OK;
}
const eval_row row_update = {.run = run_update};
