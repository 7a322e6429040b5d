/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Decompositions over sliding windows: convolution, pooling, response normalisation. A window is a view, so that
 *
 *    conv      = contract(window(x), w)           with labels n (g) c p q r s, (g) o c r s -> n (g) o p q
 *    pool      = reduce(window(x))
 *
 * and a kernel axis of extent 1 is no window at all: a 1x1 convolution is a plain contract. Groups become an axis of
 * their own; a depthwise convolution is the same form without c and o. Assumes that weights are finite: the zeros of
 * padding are multiplied by them. */
#include <math.h>
#include <string.h>

#include "passes/decompose/decompose.h"

enum { MAX_SPATIAL = 6 };
static const char position_labels[] = "pquvwx", kernel_labels[] = "rstyzj";

static bool is_one(const build *b, dim d) {
    int64_t v = 0;
    return dim_is_const(b->g->dims, d, &v) && v == 1;
}

/* What conv and conv_transpose share once their weights are [G, O, C, kernel..] and x is [N, G, C, spatial..]. */
typedef struct conv_form {
    build *b;
    uint32_t n; /* spatial axes */
    int64_t groups;
    dim channels, features; /* of one group */
    const int64_t *strides, *dilations, *pads;
    const dim *out; /* output extents of the spatial axes */
} conv_form;

static bool has_groups(const conv_form *f) { return f->groups > 1; }
static bool has_channels(const conv_form *f) { return !has_groups(f) || !is_one(f->b, f->channels); }
static bool has_features(const conv_form *f) { return !has_groups(f) || !is_one(f->b, f->features); }

static int64_t kernel_extent(const conv_form *f, value_id w, uint32_t i) {
    int64_t k = 1;
    dim_is_const(f->b->g->dims, build_type(f->b, w)->shape[2 + i], &k);
    return k;
}

static bool is_windowed(const conv_form *f, value_id w, uint32_t i) {
    return kernel_extent(f, w, i) > 1 || f->pads[i] || f->pads[f->n + i];
}

/* x [N, channels, spatial..] as [N, (G), (C), spatial..]. */
static value_id grouped_input(const conv_form *f, value_id x) {
    const tensor_type *t = build_type(f->b, x);
    dim shape[MAX_RANK];
    uint32_t rank = 0;
    shape[rank++] = t->shape[0];
    if (has_groups(f)) shape[rank++] = dim_const(f->b->g->dims, f->groups);
    if (has_channels(f)) shape[rank++] = f->channels;
    memcpy(shape + rank, t->shape + 2, f->n * sizeof *shape);
    return build_reshape(f->b, x, rank + f->n, shape);
}

/* The windows of x (grouped), by the kernel extents of w: [.., positions.., kernel..]. */
static value_id windows(const conv_form *f, value_id x, value_id w) {
    build *b = f->b;
    if (!build_ok(b)) return VALUE_NONE;
    int64_t axes[MAX_SPATIAL], sizes[MAX_SPATIAL], strides[MAX_SPATIAL], dilations[MAX_SPATIAL], lo[MAX_SPATIAL],
        pads[2 * MAX_SPATIAL];
    dim out[MAX_SPATIAL];
    uint32_t n = 0, first = build_rank(b, x) - f->n;
    for (uint32_t i = 0; i < f->n; i++) {
        if (!is_windowed(f, w, i)) {
            if (f->strides[i] > 1)
                x = build_slice_axis(b, x, first + i, dim_const(b->g->dims, 0), f->out[i], f->strides[i]);
            continue;
        }
        axes[n] = first + i;
        sizes[n] = kernel_extent(f, w, i);
        strides[n] = f->strides[i];
        dilations[n] = f->dilations[i];
        lo[n] = f->pads[i];
        pads[n] = f->pads[f->n + i];
        out[n++] = f->out[i];
    }
    if (n == 0) return x;
    memmove(pads + n, pads, n * sizeof *pads);
    memcpy(pads, lo, n * sizeof *pads);
    attr_window a = {.axes = {n, axes},
                     .sizes = {n, sizes},
                     .strides = {n, strides},
                     .dilations = {n, dilations},
                     .pads = {2 * n, pads},
                     .out = {n, out}};
    return build_node(b, OP_window, 1, &x, &a);
}

/* w [G, O, C, kernel..] in memory order `first`, `second` of its two leading axes; without axes of extent 1 that the
 * form leaves out. Labels are those that remain. */
static value_id grouped_weights(const conv_form *f, value_id w, value_id like, char *labels, bool is_transposed) {
    dim shape[MAX_RANK];
    uint32_t rank = 0;
    dim *s = shape;
    if (has_groups(f)) labels[rank] = 'g', s[rank++] = dim_const(f->b->g->dims, f->groups);
    if (is_transposed && has_channels(f)) labels[rank] = 'c', s[rank++] = f->channels;
    if (has_features(f)) labels[rank] = 'o', s[rank++] = f->features;
    if (!is_transposed && has_channels(f)) labels[rank] = 'c', s[rank++] = f->channels;
    for (uint32_t i = 0; i < f->n; i++)
        if (is_windowed(f, like, i)) {
            labels[rank] = kernel_labels[i];
            s[rank++] = dim_const(f->b->g->dims, kernel_extent(f, like, i));
        }
    labels[rank] = 0;
    return build_reshape(f->b, w, rank, shape);
}

/* contract of the windows of x with w, as [N, features of all groups, positions..]. */
static value_id convolve(const conv_form *f, value_id x, value_id w, const tensor_type *type, bool is_transposed) {
    char lhs[MAX_RANK + 1] = "n", rhs[MAX_RANK + 1], out[MAX_RANK + 1] = "n";
    uint32_t nl = 1, no = 1;
    if (has_groups(f)) lhs[nl++] = out[no++] = 'g';
    if (has_channels(f)) lhs[nl++] = 'c';
    if (has_features(f)) out[no++] = 'o';
    for (uint32_t i = 0; i < f->n; i++) lhs[nl++] = out[no++] = position_labels[i];
    for (uint32_t i = 0; i < f->n; i++)
        if (is_windowed(f, w, i)) lhs[nl++] = kernel_labels[i];
    value_id view = windows(f, grouped_input(f, x), w);
    value_id weights = grouped_weights(f, w, w, rhs, is_transposed);
    value_id y = build_contract(f->b, view, weights, lhs, rhs, out);
    return build_reshape(f->b, y, type->rank, type->shape);
}

static value_id add_bias(decomposition *d, value_id y) {
    if (d->n_in < 3) return y;
    return build_add(&d->b, y, build_along(&d->b, d->in[2], 1, d->types[0].rank));
}

static bool too_many_axes(decomposition *d, uint32_t n) {
    if (n <= MAX_SPATIAL) return false;
    build_fail(&d->b, FRIT_UNSUPPORTED, "%s over %u spatial axes", op_name(d->op), n);
    return true;
}

void decompose_conv(decomposition *d) {
    const attr_conv *a = d->attrs;
    build *b = &d->b;
    uint32_t n = d->types[0].rank - 2;
    if (too_many_axes(d, n)) return;
    const tensor_type *w = build_type(b, d->in[1]);
    conv_form f = {b, n, a->groups, w->shape[1], DIM_BAD, a->strides.at, a->dilations.at, a->pads.at, NULL};
    f.features = dim_floordiv(b->g->dims, w->shape[0], dim_const(b->g->dims, a->groups));
    f.out = d->types[0].shape + 2;
    d->out[0] = add_bias(d, convolve(&f, d->in[0], d->in[1], &d->types[0], false));
}

/* x with stride - 1 zeros behind each element of the spatial axes. */
static value_id spread(build *b, value_id x, uint32_t n, const int64_t *strides) {
    const tensor_type *t = build_type(b, x);
    dim_table *dims = b->g->dims;
    dim split[MAX_RANK], lo[MAX_RANK], hi[MAX_RANK], joined[MAX_RANK];
    uint32_t rank = 0;
    bool any = false;
    for (uint32_t i = 0; i < t->rank; i++) {
        int64_t stride = i < 2 ? 1 : strides[i - 2];
        split[rank] = joined[i] = t->shape[i];
        lo[rank] = hi[rank] = dim_const(dims, 0);
        rank++;
        if (stride == 1) continue;
        any = true;
        joined[i] = dim_mul(dims, t->shape[i], dim_const(dims, stride));
        split[rank] = dim_const(dims, 1);
        lo[rank] = dim_const(dims, 0);
        hi[rank++] = dim_const(dims, stride - 1);
    }
    if (!any) return x;
    attr_pad a = {.lo = {rank, lo}, .hi = {rank, hi}};
    value_id y = build_reshape(b, x, rank, split);
    return build_reshape(b, build_node(b, OP_pad, 1, &y, &a), 2 + n, joined);
}

static value_id flip_kernel(build *b, value_id w, uint32_t n) {
    for (uint32_t i = 0; i < n && build_ok(b); i++) {
        dim size = build_type(b, w)->shape[2 + i];
        dim last = dim_sub(b->g->dims, size, dim_const(b->g->dims, 1));
        if (!is_one(b, size)) w = build_slice_axis(b, w, 2 + i, last, size, -1);
    }
    return w;
}

/* A transposed convolution is a convolution of the spread input with the flipped kernel. */
void decompose_conv_transpose(decomposition *d) {
    const attr_conv_transpose *a = d->attrs;
    build *b = &d->b;
    dim_table *t = b->g->dims;
    uint32_t n = d->types[0].rank - 2;
    if (too_many_axes(d, n)) return;
    const tensor_type *w = build_type(b, d->in[1]);
    int64_t ones[MAX_SPATIAL], pads[2 * MAX_SPATIAL];
    conv_form f = {b, n, a->groups, DIM_BAD, w->shape[1], ones, a->dilations.at, pads, d->types[0].shape + 2};
    f.channels = dim_floordiv(t, w->shape[0], dim_const(t, a->groups));
    for (uint32_t i = 0; i < n; i++) {
        int64_t reach = a->dilations.at[i] * (kernel_extent(&f, d->in[1], i) - 1);
        ones[i] = 1;
        pads[i] = reach - a->pads.at[i];
        pads[n + i] = reach - a->pads.at[n + i] + a->output_pads.at[i] - (a->strides.at[i] - 1);
    }
    value_id x = spread(b, d->in[0], n, a->strides.at), k = flip_kernel(b, d->in[1], n);
    d->out[0] = add_bias(d, convolve(&f, x, k, &d->types[0], true));
}

/* --- pooling --- */

/* All windows of a pool over the n last axes of x: [.., positions.., kernel..]; fill VALUE_NONE is 0. */
static value_id pool_windows(decomposition *d, value_id x, const int64_t *pads, value_id fill) {
    const attr_pool *a = d->attrs;
    build *b = &d->b;
    if (!build_ok(b)) return VALUE_NONE;
    int64_t axes[MAX_RANK];
    uint32_t rank = build_rank(b, x), n = a->sizes.n;
    decompose_range(rank - n, rank, axes);
    attr_window w = {.axes = {n, axes},
                     .sizes = a->sizes,
                     .strides = a->strides,
                     .dilations = a->dilations,
                     .pads = {2 * n, pads},
                     .out = {n, d->types[0].shape + d->types[0].rank - n}};
    return build_node(b, OP_window, fill == VALUE_NONE ? 1 : 2, (value_id[]){x, fill}, &w);
}

static value_id reduce_windows(build *b, reduce_kind kind, value_id w, uint32_t n) {
    if (!build_ok(b)) return VALUE_NONE;
    int64_t axes[MAX_RANK];
    uint32_t rank = build_rank(b, w);
    return build_reduce(b, kind, w, decompose_range(rank - n, rank, axes), axes);
}

/* Row-major number of every element of a tensor of that shape. */
static value_id element_numbers(build *b, uint32_t rank, const dim *shape) {
    dim pitch = dim_const(b->g->dims, 1);
    value_id sum = VALUE_NONE;
    for (uint32_t i = rank; i-- > 0;) {
        value_id at = build_iota(b, FRIT_DT_I64, i, rank, shape[i]);
        at = build_mul(b, at, build_of_dim(b, FRIT_DT_I64, pitch));
        sum = sum == VALUE_NONE ? at : build_add(b, sum, at);
        pitch = dim_mul(b->g->dims, pitch, shape[i]);
    }
    return build_broadcast(b, sum, rank, shape);
}

/* Row-major numbers into ones whose spatial axes count column-major. */
static value_id column_major_numbers(build *b, value_id number, uint32_t rank, const dim *shape) {
    dim_table *t = b->g->dims;
    dim plane = dim_product(t, rank - 2, shape + 2), pitch = plane;
    value_id rest = build_op2(b, OP_rem, number, build_of_dim(b, FRIT_DT_I64, plane));
    value_id sum = build_sub(b, number, rest);
    for (uint32_t i = rank; i-- > 2;) {
        value_id extent = build_of_dim(b, FRIT_DT_I64, shape[i]);
        pitch = dim_floordiv(t, pitch, shape[i]); /* product of the extents before axis i */
        value_id at = build_op2(b, OP_rem, rest, extent);
        sum = build_add(b, sum, build_mul(b, at, build_of_dim(b, FRIT_DT_I64, pitch)));
        rest = build_div(b, rest, extent);
    }
    return sum;
}

/* Flat index in x of each window's first maximum: the least number among the elements that equal it (or are NaN, as it
 * is then). The padding has no number, so that it is never chosen, whatever its value. */
static value_id pool_index(decomposition *d, value_id view, value_id most) {
    const attr_pool *a = d->attrs;
    build *b = &d->b;
    if (!build_ok(b)) return VALUE_NONE;
    uint32_t n = a->sizes.n, rank = d->types[0].rank;
    const tensor_type x = *build_type(b, d->in[0]), w = *build_type(b, view);
    dim kept[2 * MAX_RANK];
    memcpy(kept, d->types[0].shape, rank * sizeof *kept);
    for (uint32_t i = 0; i < n; i++) kept[rank + i] = dim_const(b->g->dims, 1);
    value_id none = VALUE_NONE;
    b->status = graph_const_bytes(
        b->c, b->g, &(const_data){.kind = CONST_SPLAT, .dt = FRIT_DT_I64, .splat = {.i = INT64_MAX}}, &none);
    value_id numbers = pool_windows(d, element_numbers(b, x.rank, x.shape), a->pads.at, none);
    value_id is_most = build_op2(b, OP_eq, view, build_reshape(b, most, w.rank, kept));
    if (dtype_is_float(w.dt)) is_most = build_op2(b, OP_or, is_most, build_op2(b, OP_ne, view, view));
    value_id index = reduce_windows(b, RK_min, build_select(b, is_most, numbers, none), n);
    return a->column_major ? column_major_numbers(b, index, x.rank, x.shape) : index;
}

void decompose_max_pool(decomposition *d) {
    const attr_pool *a = d->attrs;
    build *b = &d->b;
    if (too_many_axes(d, a->sizes.n)) return;
    value_id fill = build_lowest(b, build_type(b, d->in[0])->dt);
    value_id view = pool_windows(d, d->in[0], a->pads.at, fill);
    d->out[0] = reduce_windows(b, RK_max, view, a->sizes.n);
    if (d->is_used[1]) d->out[1] = pool_index(d, view, d->out[0]);
}

/* Elements that count in each window, over the spatial axes only: those inside the input, or inside it and its pads. */
static value_id pool_counts(decomposition *d) {
    const attr_pool *a = d->attrs;
    build *b = &d->b;
    uint32_t n = a->sizes.n;
    const tensor_type *x = build_type(b, d->in[0]);
    dim_table *t = b->g->dims;
    dim spatial[MAX_SPATIAL];
    int64_t pads[2 * MAX_SPATIAL];
    for (uint32_t i = 0; i < n; i++) {
        int64_t both = a->pads.at[i] + a->pads.at[n + i];
        spatial[i] = a->count_pad ? dim_add(t, x->shape[2 + i], dim_const(t, both)) : x->shape[2 + i];
        pads[i] = a->count_pad ? 0 : a->pads.at[i];
        pads[n + i] = a->count_pad ? 0 : a->pads.at[n + i];
    }
    value_id ones = build_broadcast(b, build_splat(b, x->dt, 1), n, spatial);
    return reduce_windows(b, RK_sum, pool_windows(d, ones, pads, VALUE_NONE), n);
}

void decompose_avg_pool(decomposition *d) {
    const attr_pool *a = d->attrs;
    build *b = &d->b;
    uint32_t n = a->sizes.n;
    if (too_many_axes(d, n)) return;
    double taps = 1;
    bool has_pads = false;
    for (uint32_t i = 0; i < n; i++) {
        taps *= (double)a->sizes.at[i];
        has_pads = has_pads || a->pads.at[i] || a->pads.at[n + i];
    }
    bool is_uniform = !a->ceil && (a->count_pad || !has_pads);
    value_id sum = reduce_windows(b, RK_sum, pool_windows(d, d->in[0], a->pads.at, VALUE_NONE), n);
    d->out[0] = build_div(b, sum, is_uniform ? build_like(b, d->in[0], taps) : pool_counts(d));
}

/* x / (bias + alpha / size * sum of squares over size channels) ^ beta. */
void decompose_lrn(decomposition *d) {
    const attr_lrn *a = d->attrs;
    build *b = &d->b;
    value_id x = d->in[0], square = build_mul(b, x, x);
    int64_t axis = 1, size = a->size, pads[2] = {(size - 1) / 2, size - 1 - (size - 1) / 2};
    attr_window w = {.axes = {1, &axis}, .sizes = {1, &size}, .pads = {2, pads}};
    value_id sum = reduce_windows(b, RK_sum, build_node(b, OP_window, 1, &square, &w), 1);
    value_id scaled = build_mul(b, sum, build_like(b, x, a->alpha / (double)size));
    value_id base = build_add(b, scaled, build_like(b, x, a->bias));
    d->out[0] = build_div(b, x, build_op2(b, OP_pow, base, build_like(b, x, a->beta)));
}
