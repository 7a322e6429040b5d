/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sliding windows: convolutions and pools, with ONNX's several ways to say how much is padded. */
#include <math.h>
#include <string.h>

#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

static bool ints_into(reader *r, const call *n, const char *name, uint32_t count, int64_t otherwise, int64_t *to) {
    int_list l;
    bool given = attr_ints(n, name, &l);
    if (given && l.n != count) {
        fail_node(r, FRIT_SHAPE, "%s has %u entries, needs %u", name, l.n, count);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        to[i] = given ? l.at[i] : otherwise;
        if (to[i] < INT32_MIN || to[i] > INT32_MAX) fail_node(r, FRIT_RANGE, "%s[%u] is out of range", name, i);
    }
    return !failed(r);
}

enum { PAD_GIVEN, PAD_UPPER, PAD_LOWER, PAD_NONE };
static int auto_pad(reader *r, const call *n) {
    static const char *const ways[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", NULL};
    return attr_choice(r, n, "auto_pad", "NOTSET", ways);
}

static void share_pad(int64_t total, bool upper, int64_t *lo, int64_t *hi) {
    if (total < 0) total = 0;
    *lo = upper ? total / 2 : total - total / 2;
    *hi = total - *lo;
}

/* SAME: as many outputs as ceil(extent / stride). The sum of both pads must be a number. */
static bool same_pads(reader *r, value_id x, bool upper, window_call *w) {
    dim_table *t = r->dims;
    for (uint32_t i = 0; i < w->n; i++) {
        dim d = extent_of(r, x, 2 + i), stride = dimi(r, w->strides[i]);
        int64_t reach = (w->sizes[i] - 1) * w->dilations[i] + 1, total;
        dim covered = dim_add(t, dim_mul(t, dim_sub(t, dim_ceildiv(t, d, stride), dimi(r, 1)), stride), dimi(r, reach));
        if (!dim_is_const(t, dim_sub(t, covered, d), &total)) {
            fail_node(r, FRIT_UNSUPPORTED, "auto_pad SAME with stride %lld needs a constant extent, not %s",
                      (long long)w->strides[i], dim_text(r->c->job, t, d));
            return false;
        }
        share_pad(total, upper, &w->pads[i], &w->pads[w->n + i]);
    }
    return true;
}

/* Which operand of the node is v. */
static uint32_t operand_of(const call *n, value_id v) {
    uint32_t i = 0;
    while (i < n->n_in && n->in[i] != v) i++;
    return i;
}

bool window_of(reader *r, const call *n, value_id x, value_id weights, window_call *out) {
    uint32_t rank = rank_of(r, x);
    *out = (window_call){0};
    if (x == VALUE_NONE || failed(r)) return false;
    if (rank < 3) {
        fail_node(r, FRIT_SHAPE, "needs an operand of three axes or more");
        return false;
    }
    out->n = rank - 2;
    for (uint32_t i = 0; weights != VALUE_NONE && i < out->n; i++) {
        if (rank_of(r, weights) != rank) {
            fail_node(r, FRIT_SHAPE, "weights of %u axes for an operand of %u", rank_of(r, weights), rank);
            return false;
        }
        if (!dim_is_const(r->dims, extent_of(r, weights, 2 + i), &out->sizes[i]))
            return want_const(r, n, operand_of(n, weights), "the size of the kernel");
    }
    if (weights == VALUE_NONE && !ints_into(r, n, "kernel_shape", out->n, 1, out->sizes)) return false;
    bool ok = ints_into(r, n, "strides", out->n, 1, out->strides) &&
              ints_into(r, n, "dilations", out->n, 1, out->dilations) &&
              ints_into(r, n, "pads", 2 * out->n, 0, out->pads);
    for (uint32_t i = 0; ok && i < out->n; i++)
        if (out->strides[i] < 1 || out->dilations[i] < 1 || out->sizes[i] < 1 || out->sizes[i] > INT32_MAX) {
            fail_node(r, FRIT_RANGE, "kernel sizes, strides and dilations must be positive");
            return false;
        }
    int way = ok ? auto_pad(r, n) : PAD_GIVEN;
    if (way == PAD_NONE) memset(out->pads, 0, sizeof out->pads);
    return ok && !failed(r) && (way == PAD_GIVEN || way == PAD_NONE || same_pads(r, x, way == PAD_UPPER, out));
}

void map_conv(reader *r, call *n) {
    window_call w;
    if (!window_of(r, n, n->in[0], n->in[1], &w)) return;
    attr_conv a = {.strides = {w.n, w.strides},
                   .pads = {2 * w.n, w.pads},
                   .dilations = {w.n, w.dilations},
                   .groups = attr_int(n, "group", 1)};
    n->out[0] = make(r, OP_conv, has_in(n, 2) ? 3 : 2, n->in, &a);
}

/* Pads of a transposed convolution whose output extents are given, or follow from SAME. */
static bool transposed_pads(reader *r, call *n, window_call *w, const int64_t *output_pads) {
    int_list shape;
    bool given = attr_ints(n, "output_shape", &shape);
    int way = auto_pad(r, n);
    if (way == PAD_NONE && !given) memset(w->pads, 0, sizeof w->pads);
    if (!given && way != PAD_UPPER && way != PAD_LOWER) return true;
    if (given && shape.n < w->n) {
        fail_node(r, FRIT_SHAPE, "output_shape has too few entries");
        return false;
    }
    for (uint32_t i = 0; i < w->n; i++) {
        int64_t extent;
        if (!dim_is_const(r->dims, extent_of(r, n->in[0], 2 + i), &extent)) {
            fail_node(r, FRIT_UNSUPPORTED, "output_shape and SAME need constant extents");
            return false;
        }
        int64_t want = given ? shape.at[shape.n - w->n + i] : extent * w->strides[i];
        int64_t total = w->strides[i] * (extent - 1) + output_pads[i] + (w->sizes[i] - 1) * w->dilations[i] + 1 - want;
        int64_t half = total >= 0 ? total / 2 : (total - 1) / 2; /* rounded down */
        w->pads[i] = way == PAD_UPPER ? half : total - half;
        w->pads[w->n + i] = total - w->pads[i];
    }
    return true;
}

void map_conv_transpose(reader *r, call *n) {
    window_call w;
    int64_t output_pads[MAX_RANK];
    call plain = *n; /* SAME means something else here */
    onnx_node bare = *n->node;
    bare.attrs.n = bare.attrs.cap = 0, bare.attrs.at = NULL;
    for (uint32_t i = 0; i < n->node->attrs.n; i++)
        if (!str_equal(n->node->attrs.at[i].name, "auto_pad")) vec_push(r->c->job, bare.attrs, n->node->attrs.at[i]);
    plain.node = &bare;
    if (!window_of(r, &plain, n->in[0], n->in[1], &w) || !ints_into(r, n, "output_padding", w.n, 0, output_pads))
        return;
    if (!transposed_pads(r, n, &w, output_pads)) return;
    attr_conv_transpose a = {.strides = {w.n, w.strides},
                             .pads = {2 * w.n, w.pads},
                             .dilations = {w.n, w.dilations},
                             .output_pads = {w.n, output_pads},
                             .groups = attr_int(n, "group", 1)};
    n->out[0] = make(r, OP_conv_transpose, has_in(n, 2) ? 3 : 2, n->in, &a);
}

/* --- pools --- */

void map_pool(reader *r, call *n) {
    window_call w;
    if (!window_of(r, n, n->in[0], VALUE_NONE, &w)) return;
    attr_pool a = {.sizes = {w.n, w.sizes},
                   .strides = {w.n, w.strides},
                   .pads = {2 * w.n, w.pads},
                   .dilations = {w.n, w.dilations},
                   .count_pad = attr_int(n, "count_include_pad", 0) != 0,
                   .ceil = attr_int(n, "ceil_mode", 0) != 0,
                   .column_major = attr_int(n, "storage_order", 0) != 0};
    value_id first = make(r, n->row->op, 1, n->in, &a);
    n->out[0] = first;
    if (n->row->op == OP_max_pool && first != VALUE_NONE) n->out[1] = first + 1;
}

/* Sums of |x|^p under a window, then the p-th root. */
void map_lp_pool(reader *r, call *n) {
    window_call w;
    value_id x = n->in[0];
    double p = attr_find(n, "p") && attr_find(n, "p")->type == ATTR_FLOAT ? attr_float(n, "p", 2)
                                                                          : (double)attr_int(n, "p", 2);
    if (!window_of(r, n, x, VALUE_NONE, &w)) return;
    int64_t axes[MAX_RANK], taps[MAX_RANK];
    dim out[MAX_RANK];
    bool ceils = attr_int(n, "ceil_mode", 0) != 0;
    for (uint32_t i = 0; i < w.n; i++) {
        dim_table *t = r->dims;
        axes[i] = 2 + i, taps[i] = rank_of(r, x) + i;
        int64_t reach = (w.sizes[i] - 1) * w.dilations[i] + 1;
        dim room = dim_add(t, extent_of(r, x, 2 + i), dimi(r, w.pads[i] + w.pads[w.n + i] - reach));
        out[i] = dim_add(t, (ceils ? dim_ceildiv : dim_floordiv)(t, room, dimi(r, w.strides[i])), dimi(r, 1));
    }
    attr_window a = {.axes = {w.n, axes},
                     .sizes = {w.n, w.sizes},
                     .strides = {w.n, w.strides},
                     .dilations = {w.n, w.dilations},
                     .pads = {2 * w.n, w.pads},
                     .out = {w.n, out}};
    value_id power = make2(r, OP_pow, make1(r, OP_abs, x), make_like(r, x, p));
    value_id sum = make_reduce(r, RK_sum, make(r, OP_window, 1, &power, &a), w.n, taps, false);
    n->out[0] = make2(r, OP_pow, sum, make_like(r, x, 1 / p));
}

static uint32_t spatial_axes(const reader *r, value_id x, int64_t *axes) {
    uint32_t rank = rank_of(r, x), k = 0;
    for (uint32_t i = 2; i < rank; i++) axes[k++] = i;
    return k;
}

void map_global_average_pool(reader *r, call *n) {
    int64_t axes[MAX_RANK];
    uint32_t k = spatial_axes(r, n->in[0], axes);
    n->out[0] = make_mean(r, n->in[0], k, axes, true);
}

void map_global_max_pool(reader *r, call *n) {
    int64_t axes[MAX_RANK];
    uint32_t k = spatial_axes(r, n->in[0], axes);
    n->out[0] = make_reduce(r, RK_max, n->in[0], k, axes, true);
}

void map_global_lp_pool(reader *r, call *n) {
    int64_t axes[MAX_RANK];
    uint32_t k = spatial_axes(r, n->in[0], axes);
    double p = (double)attr_int(n, "p", 2);
    value_id power = make2(r, OP_pow, make1(r, OP_abs, n->in[0]), make_like(r, n->in[0], p));
    n->out[0] = make2(r, OP_pow, make_reduce(r, RK_sum, power, k, axes, true), make_like(r, n->in[0], 1 / p));
}

/* Values put back where max pooling found them; a larger output_shape leaves the rest zero. */
void map_max_unpool(reader *r, call *n) {
    window_call w;
    value_id x = n->in[0];
    dim_list wanted = {0};
    if (!window_of(r, n, x, VALUE_NONE, &w) || (has_in(n, 2) && !want_dims(r, n, 2, &wanted))) return;
    tensor_type t = *type_of(r, x);
    dim shape[MAX_RANK], lo[MAX_RANK], hi[MAX_RANK];
    for (uint32_t i = 0; i < t.rank; i++) {
        shape[i] = t.shape[i];
        if (i >= 2) {
            dim steps = dim_mul(r->dims, dim_sub(r->dims, t.shape[i], dimi(r, 1)), dimi(r, w.strides[i - 2]));
            shape[i] = dim_add(r->dims, steps, dimi(r, w.sizes[i - 2] - w.pads[i - 2] - w.pads[w.n + i - 2]));
        }
        lo[i] = dimi(r, 0);
        hi[i] = i < wanted.n ? dim_sub(r->dims, wanted.at[i], shape[i]) : lo[i];
    }
    dim total = dim_product(r->dims, t.rank, shape), count = graph_n_elements(r->g, x);
    value_id zeros = make_broadcast(r, make_like(r, x, 0), 1, &total);
    value_id in[3] = {zeros, make_reshape(r, n->in[1], 1, &count), make_reshape(r, x, 1, &count)};
    value_id flat = make(r, OP_scatter_elements, 3, in, &(attr_scatter){.axis = 0});
    value_id y = make_reshape(r, flat, t.rank, shape);
    n->out[0] = wanted.n ? make(r, OP_pad, 1, &y, &(attr_pad){.lo = {t.rank, lo}, .hi = {t.rank, hi}}) : y;
}

typedef struct fold_call {
    uint32_t n; /* spatial axes */
    int64_t block[MAX_RANK], strides[MAX_RANK], pads[2 * MAX_RANK], dilations[MAX_RANK];
    int64_t rest[MAX_RANK]; /* extents of the padded image behind the last window, below the stride */
    int64_t taps;           /* elements of a block */
    dim image[MAX_RANK], columns[MAX_RANK];
    bool cuts; /* the rest depends on the call: the image is cut out of all that the windows cover */
} fold_call;

static bool read_fold(reader *r, call *n, fold_call *f) {
    dim_list image;
    int_list block;
    *f = (fold_call){.taps = 1};
    if (n->in[0] == VALUE_NONE || !want_dims(r, n, 1, &image) || !want_ints(r, n, 2, &block)) return false;
    uint32_t k = f->n = image.n;
    if (k == 0 || k + 2 > MAX_RANK || block.n != k || rank_of(r, n->in[0]) != 3)
        fail_node(r, FRIT_SHAPE, "shapes do not fit");
    if (failed(r) || !ints_into(r, n, "strides", k, 1, f->strides) || !ints_into(r, n, "pads", 2 * k, 0, f->pads))
        return false;
    if (!ints_into(r, n, "dilations", k, 1, f->dilations)) return false;
    for (uint32_t i = 0; i < k; i++) {
        dim_table *t = r->dims;
        if (block.at[i] < 1 || block.at[i] > 65536 / f->taps || f->strides[i] < 1 || f->dilations[i] < 1) {
            fail_node(r, FRIT_RANGE, "a block of an unlikely size");
            return false;
        }
        f->taps *= f->block[i] = block.at[i];
        int64_t reach = f->dilations[i] * (block.at[i] - 1) + 1;
        dim stride = dimi(r, f->strides[i]),
            room = dim_add(t, image.at[i], dimi(r, f->pads[i] + f->pads[k + i] - reach));
        f->image[i] = image.at[i];
        f->columns[i] = dim_add(t, dim_floordiv(t, room, stride), dimi(r, 1));
        if (!dim_is_const(t, dim_mod(t, room, stride), &f->rest[i])) f->cuts = true;
    }
    return true;
}

/* y, which begins where the image does and is cut or filled with zeros at its end. */
static value_id cut_image(reader *r, const fold_call *f, value_id y) {
    dim lo[MAX_RANK], hi[MAX_RANK];
    if (y == VALUE_NONE) return y;
    for (uint32_t i = 0; i < f->n + 2; i++) {
        lo[i] = hi[i] = dimi(r, 0);
        if (i >= 2) hi[i] = dim_sub(r->dims, f->image[i - 2], extent_of(r, y, i));
    }
    return make(r, OP_pad, 1, &y, &(attr_pad){.lo = {f->n + 2, lo}, .hi = {f->n + 2, hi}});
}

/* Kernels [channels, 1, block..] of which each holds a single one, at its channel's place in the block. */
static value_id fold_kernels(reader *r, const fold_call *f, int64_t channels) {
    int64_t shape[MAX_RANK] = {channels, 1};
    memcpy(shape + 2, f->block, f->n * sizeof *shape);
    float *ones = ARENA_ARRAY(r->c->job, float, (size_t)(channels * f->taps));
    for (int64_t c = 0; c < channels; c++) ones[c * f->taps + c % f->taps] = 1;
    const_data d = {
        .kind = CONST_DENSE, .dt = FRIT_DT_F32, .dims = int_list_of(r->c->job, 2 + f->n, shape), .bytes = ones};
    value_id kernel = VALUE_NONE;
    return graph_const_bytes(r->c, r->g, &d, &kernel) == FRIT_OK ? kernel : VALUE_NONE;
}

/* Columns summed back into an image: a transposed convolution by kernels that each hold a single one. What the last
 * window leaves of the padded image is padding of the output, as the image's own pads are cut off behind it. */
void map_col2im(reader *r, call *n) {
    fold_call f;
    int64_t channels;
    if (!read_fold(r, n, &f)) return;
    value_id x = n->in[0];
    if (!dim_is_const(r->dims, extent_of(r, x, 1), &channels) || channels % f.taps || channels > 1 << 20) {
        fail_node(r, FRIT_SHAPE, "the channels are not a multiple of the block");
        return;
    }
    value_id kernel = fold_kernels(r, &f, channels);
    if (kernel == VALUE_NONE) return;
    dim columns[MAX_RANK] = {extent_of(r, x, 0), dimi(r, channels)};
    memcpy(columns + 2, f.columns, f.n * sizeof *columns);
    if (f.cuts) memset(f.rest, 0, sizeof f.rest), memset(f.pads + f.n, 0, f.n * sizeof *f.pads);
    value_id in[2] = {make_reshape(r, x, 2 + f.n, columns), make_cast(r, kernel, dtype_of(r, x))};
    attr_conv_transpose a = {.strides = {f.n, f.strides},
                             .pads = {2 * f.n, f.pads},
                             .dilations = {f.n, f.dilations},
                             .output_pads = {f.n, f.rest},
                             .groups = channels / f.taps};
    value_id y = make(r, OP_conv_transpose, 2, in, &a);
    n->out[0] = f.cuts ? cut_image(r, &f, y) : y;
}
