/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolutions and pools over [N, C, spatial..]. Windows read x at o * stride + k * dilation - pad. */
#include <math.h>
#include <string.h>

#include "ir/eval/eval_ops.h"

#define MAX_SPATIAL (MAX_RANK - 2)

/* Geometry of the spatial axes. */
typedef struct windows {
    uint32_t n;
    int64_t in[MAX_SPATIAL], out[MAX_SPATIAL], kernel[MAX_SPATIAL];
    int64_t stride[MAX_SPATIAL], dilation[MAX_SPATIAL], pad_lo[MAX_SPATIAL], pad_hi[MAX_SPATIAL];
} windows;

/* Fills all but kernel and out. Errors: strides or dilations below 1. */
static frit_status windows_init(eval_cx *e, const node *n, const tensor *x, const int_list lists[3], windows *w) {
    if (x->rank < 2) return FAIL(e->c, SHAPE, node_where(e, n), "%s: needs [N, C, ..]", op_name(n->op));
    w->n = x->rank - 2;
    for (uint32_t i = 0; i < w->n; i++) {
        w->in[i] = x->shape[i + 2];
        w->stride[i] = list_or(lists[0], i, 1);
        w->pad_lo[i] = list_or(lists[1], i, 0);
        w->pad_hi[i] = list_or(lists[1], i + w->n, 0);
        w->dilation[i] = list_or(lists[2], i, 1);
        if (w->stride[i] < 1 || w->dilation[i] < 1)
            return FAIL(e->c, SHAPE, node_where(e, n), "%s: a stride or dilation below 1", op_name(n->op));
    }
    return FRIT_OK;
}

/* Window counts: none where a window is larger than the input by less than a stride, as ONNX's formula has it. With
 * ceil, a last partial window counts when it starts inside the input or the padding before it. */
static frit_status windows_count(eval_cx *e, const node *n, bool ceil, windows *w) {
    for (uint32_t i = 0; i < w->n; i++) {
        int64_t span = (w->kernel[i] - 1) * w->dilation[i] + 1, stride = w->stride[i];
        int64_t room = w->in[i] + w->pad_lo[i] + w->pad_hi[i] - span;
        int64_t down = room >= 0 ? room / stride : -((stride - 1 - room) / stride);
        bool is_partial = ceil && down * stride != room && (down + 1) * stride < w->in[i] + w->pad_lo[i];
        w->out[i] = down + 1 + is_partial;
        if (w->kernel[i] < 1 || w->out[i] < 0)
            return FAIL(e->c, SHAPE, node_where(e, n), "%s: the window is larger than the input", op_name(n->op));
    }
    return FRIT_OK;
}

/* Offset inside one channel of x that window point k of output point o reads; -1 outside. */
static int64_t window_offset(const windows *w, const int64_t *o, const int64_t *k) {
    int64_t off = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        int64_t p = o[i] * w->stride[i] + k[i] * w->dilation[i] - w->pad_lo[i];
        if (p < 0 || p >= w->in[i]) return -1;
        off = off * w->in[i] + p;
    }
    return off;
}

static walk spatial_walk(uint32_t n, const int64_t *extents) {
    walk w = {0};
    for (uint32_t i = 0; i < n; i++) walk_axis(&w, extents[i], 0, 0, 0);
    return w;
}

/* For each (output point, kernel point): the offset read, -1 outside. Computed once, used by every channel. */
static int64_t *window_table(eval_cx *e, const windows *w) {
    int64_t n_out = shape_product(w->n, w->out), n_kernel = shape_product(w->n, w->kernel), to = 0;
    int64_t *table = ARENA_ARRAY(e->c->scratch, int64_t, n_out * n_kernel + 1);
    walk o = spatial_walk(w->n, w->out), k = spatial_walk(w->n, w->kernel);
    for (bool more = walk_start(&o); more; more = walk_next(&o))
        for (bool inner = walk_start(&k); inner; inner = walk_next(&k)) table[to++] = window_offset(w, o.at, k.at);
    return table;
}

static void shape_of(const windows *w, int64_t N, int64_t C, const int64_t *spatial, int64_t *out) {
    out[0] = N;
    out[1] = C;
    memcpy(out + 2, spatial, w->n * sizeof *out);
}

/* Dot product of one window over the channels of a group. x at the group's first channel, f at the filter. */
static double window_dot(const double *x, int64_t x_channel, const double *f, int64_t channels, const int64_t *offsets,
                         int64_t n_kernel) {
    double sum = 0;
    for (int64_t c = 0; c < channels; c++, x += x_channel, f += n_kernel)
        for (int64_t k = 0; k < n_kernel; k++)
            if (offsets[k] >= 0) sum += x[offsets[k]] * f[k];
    return sum;
}

static frit_status run_conv(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const attr_conv *at = n->attrs;
    const tensor *x = &in[0], *f = &in[1];
    windows w;
    TRY(windows_init(e, n, x, (const int_list[]){at->strides, at->pads, at->dilations}, &w));
    int64_t groups = at->groups, N = x->shape[0], O = f->rank ? f->shape[0] : 0, shape[MAX_RANK];
    bool fits = f->rank == x->rank && groups >= 1 && O % groups == 0 && f->shape[1] * groups == x->shape[1];
    if (!fits || (n->n_in > 2 && tensor_count(&in[2]) != O))
        return FAIL(e->c, SHAPE, node_where(e, n), "conv: channels, groups or bias disagree");
    memcpy(w.kernel, f->shape + 2, w.n * sizeof *w.kernel);
    TRY(windows_count(e, n, false, &w));
    shape_of(&w, N, O, w.out, shape);
    TRY(result_alloc(e, n, 0, result_dtype(e, n, x->dt), x->rank, shape, out));
    const double *xf = load_f64(e, x), *ff = load_f64(e, f), *bias = n->n_in > 2 ? load_f64(e, &in[2]) : NULL;
    const int64_t *table = window_table(e, &w);
    int64_t per_group = f->shape[1], n_out = shape_product(w.n, w.out), n_kernel = shape_product(w.n, w.kernel);
    int64_t channel = shape_product(w.n, w.in), to = 0;
    for (int64_t item = 0; item < N * O; item++) {
        int64_t b = item / O, o = item % O, g = o / (O / groups);
        const double *from = xf + (b * x->shape[1] + g * per_group) * channel, *filter = ff + o * per_group * n_kernel;
        for (int64_t p = 0; p < n_out; p++) {
            double sum = window_dot(from, channel, filter, per_group, table + p * n_kernel, n_kernel);
            store_f64(out, to++, sum + (bias ? bias[o] : 0));
        }
    }
    return FRIT_OK;
}
const eval_row row_conv = {.run = run_conv};

/* The transpose of conv: x is the gradient side, so input points are the windows' `out` and results their `in`. */
static frit_status transpose_geometry(eval_cx *e, const node *n, const tensor *f, windows *w) {
    int_list extra = ((const attr_conv_transpose *)n->attrs)->output_pads;
    memcpy(w->kernel, f->shape + 2, w->n * sizeof *w->kernel);
    memcpy(w->out, w->in, sizeof w->out);
    for (uint32_t i = 0; i < w->n; i++) {
        int64_t span = (w->kernel[i] - 1) * w->dilation[i] + 1;
        w->in[i] = (w->out[i] - 1) * w->stride[i] + span + list_or(extra, i, 0) - w->pad_lo[i] - w->pad_hi[i];
        if (w->in[i] < 0) return FAIL(e->c, SHAPE, node_where(e, n), "conv_transpose: the pads leave nothing");
    }
    return FRIT_OK;
}

static frit_status run_conv_transpose(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const attr_conv_transpose *at = n->attrs;
    const tensor *x = &in[0], *f = &in[1];
    windows w;
    TRY(windows_init(e, n, x, (const int_list[]){at->strides, at->pads, at->dilations}, &w));
    bool fits = f->rank == x->rank && at->groups >= 1 && f->shape[0] == x->shape[1] && x->shape[1] % at->groups == 0;
    int64_t per_group = fits ? f->shape[1] : 0, O = per_group * at->groups, C = x->shape[1], shape[MAX_RANK];
    if (!fits || (n->n_in > 2 && tensor_count(&in[2]) != O))
        return FAIL(e->c, SHAPE, node_where(e, n), "conv_transpose: channels, groups or bias disagree");
    TRY(transpose_geometry(e, n, f, &w));
    shape_of(&w, x->shape[0], O, w.in, shape);
    TRY(result_alloc(e, n, 0, result_dtype(e, n, x->dt), x->rank, shape, out));
    const double *xf = load_f64(e, x), *ff = load_f64(e, f), *bias = n->n_in > 2 ? load_f64(e, &in[2]) : NULL;
    const int64_t *table = window_table(e, &w);
    int64_t n_points = shape_product(w.n, w.out), n_kernel = shape_product(w.n, w.kernel);
    int64_t channel = shape_product(w.n, w.in), count = tensor_count(out);
    double *sum = ARENA_ARRAY(e->c->scratch, double, count + 1);
    for (int64_t i = 0; i < count; i++) sum[i] = bias ? bias[i / channel % O] : 0;
    for (int64_t item = 0; item < x->shape[0] * C; item++) {
        int64_t b = item / C, c = item % C, g = c / (C / at->groups);
        double *to = sum + (b * O + g * per_group) * channel;
        for (int64_t i = 0; i < per_group * n_points * n_kernel; i++) {
            int64_t o = i / (n_points * n_kernel), p = i / n_kernel % n_points, k = i % n_kernel;
            int64_t off = table[p * n_kernel + k];
            if (off >= 0) to[o * channel + off] += xf[item * n_points + p] * ff[(c * per_group + o) * n_kernel + k];
        }
    }
    for (int64_t i = 0; i < count; i++) store_f64(out, i, sum[i]);
    return FRIT_OK;
}
const eval_row row_conv_transpose = {.run = run_conv_transpose};

/* ---- pools ---- */

static frit_status pool_windows(eval_cx *e, const node *n, const tensor *x, windows *w, int64_t *out_shape) {
    const attr_pool *at = n->attrs;
    TRY(windows_init(e, n, x, (const int_list[]){at->strides, at->pads, at->dilations}, w));
    for (uint32_t i = 0; i < w->n; i++) w->kernel[i] = list_or(at->sizes, i, 1);
    TRY(windows_count(e, n, at->ceil, w));
    shape_of(w, x->shape[0], x->shape[1], w->out, out_shape);
    return FRIT_OK;
}

/* Offset inside a channel, renumbered with the first spatial axis fastest. */
static int64_t column_major_offset(const windows *w, int64_t off) {
    int64_t result = 0, at[MAX_SPATIAL];
    for (uint32_t i = w->n; i-- > 0; off /= w->in[i]) at[i] = off % w->in[i];
    for (uint32_t i = w->n; i-- > 0;) result = result * w->in[i] + at[i];
    return result;
}

/* Position of the first maximum of one window (NaN counts as largest), -1 when the window holds only padding. */
static int64_t window_max(const tensor *x, int64_t base, const int64_t *offsets, int64_t n_kernel, scalar *out) {
    int64_t best = -1;
    for (int64_t k = 0; k < n_kernel; k++) {
        if (offsets[k] < 0) continue;
        scalar v = dtype_load(x->dt, x->data, (size_t)(base + offsets[k]));
        bool is_nan = dtype_is_float(x->dt) && isnan(v.f);
        bool is_larger = best < 0 || eval_scalar(OP_gt, NULL, x->dt, (const scalar[]){v, *out}).i;
        bool had_nan = best >= 0 && dtype_is_float(x->dt) && isnan(out->f);
        if (had_nan || !(is_larger || is_nan)) continue;
        best = offsets[k];
        *out = v;
    }
    return best;
}

static frit_status run_max_pool(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    windows w;
    int64_t shape[MAX_RANK];
    TRY(pool_windows(e, n, in, &w, shape));
    TRY(result_alloc(e, n, 0, in->dt, in->rank, shape, &out[0]));
    TRY(result_alloc(e, n, 1, FRIT_DT_I64, in->rank, shape, &out[1]));
    const int64_t *table = window_table(e, &w);
    bool column_major = ((const attr_pool *)n->attrs)->column_major;
    int64_t n_out = shape_product(w.n, w.out), n_kernel = shape_product(w.n, w.kernel),
            channel = shape_product(w.n, w.in);
    int64_t n_planes = shape[0] * shape[1], *index = out[1].data;
    for (int64_t i = 0; i < n_planes * n_out; i++) {
        int64_t base = i / n_out * channel;
        scalar v = {.i = 0};
        int64_t best = window_max(in, base, table + i % n_out * n_kernel, n_kernel, &v);
        if (best < 0) {
            v = dtype_convert(FRIT_DT_F64, in->dt, (scalar){.f = -INFINITY}, true);
            index[i] = INT64_MAX;
        } else {
            index[i] = base + (column_major ? column_major_offset(&w, best) : best);
        }
        dtype_store(in->dt, out[0].data, (size_t)i, v);
    }
    return FRIT_OK;
}
const eval_row row_max_pool = {.run = run_max_pool};

/* Positions of a window that lie inside the input or its padding (a ceil window may stick out further). */
static int64_t padded_count(const windows *w, const int64_t *o) {
    int64_t count = 1;
    for (uint32_t i = 0; i < w->n; i++) {
        int64_t first = o[i] * w->stride[i], n = 0;
        for (int64_t k = 0; k < w->kernel[i]; k++)
            n += first + k * w->dilation[i] < w->in[i] + w->pad_lo[i] + w->pad_hi[i];
        count *= n;
    }
    return count;
}

static frit_status run_avg_pool(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    windows w;
    int64_t shape[MAX_RANK];
    TRY(pool_windows(e, n, in, &w, shape));
    TRY(result_alloc(e, n, 0, in->dt, in->rank, shape, out));
    const int64_t *table = window_table(e, &w);
    const double *x = load_f64(e, in);
    bool count_pad = ((const attr_pool *)n->attrs)->count_pad;
    int64_t n_out = shape_product(w.n, w.out), n_kernel = shape_product(w.n, w.kernel),
            channel = shape_product(w.n, w.in);
    int64_t n_planes = shape[0] * shape[1];
    walk o = spatial_walk(w.n, w.out);
    int64_t p = 0;
    for (bool more = walk_start(&o); more; more = walk_next(&o), p++) {
        const int64_t *offsets = table + p * n_kernel;
        int64_t inside = 0;
        for (int64_t k = 0; k < n_kernel; k++) inside += offsets[k] >= 0;
        double divisor = (double)(count_pad ? padded_count(&w, o.at) : inside);
        for (int64_t plane = 0; plane < n_planes; plane++) {
            double sum = 0;
            for (int64_t k = 0; k < n_kernel; k++)
                if (offsets[k] >= 0) sum += x[plane * channel + offsets[k]];
            store_f64(out, plane * n_out + p, sum / divisor);
        }
    }
    return FRIT_OK;
}
const eval_row row_avg_pool = {.run = run_avg_pool};
