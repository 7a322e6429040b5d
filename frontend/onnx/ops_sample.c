/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sampling at computed positions: GridSample, AffineGrid, RoiAlign. Every tap is a gather from the flattened image. */
#include <math.h>

#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

enum { PAD_ZEROS, PAD_BORDER, PAD_REFLECTION };
enum { MODE_LINEAR, MODE_NEAREST, MODE_CUBIC };
#define MAX_SPATIAL 3
#define MAX_TAPS    4

static value_id dim_float(reader *r, dim d, dtype dt) {
    return make_cast(r, make_reshape(r, make_from_dims(r, 1, &d), 0, NULL), dt);
}

/* One tap along one axis: where it reads (integral, i64), whether that lies inside, and its weight; all [N, P]. */
typedef struct tap {
    value_id at, inside, weight;
} tap;

typedef struct sampler {
    int mode, padding;
    bool align, takes_max;    /* takes_max: the greatest weighted tap, not the sum */
    uint32_t n, n_taps;       /* spatial axes; taps an axis */
    dim extents[MAX_SPATIAL]; /* of the image */
    tap taps[MAX_SPATIAL][MAX_TAPS];
} sampler;

/* x folded back at both borders until it lies between them. */
static value_id reflect(reader *r, const sampler *s, value_id x, value_id extent) {
    value_id half = make_like(r, x, s->align ? 0 : 0.5), lo = make1(r, OP_neg, half);
    value_id span = s->align ? sub(r, extent, make_like(r, x, 1)) : extent; /* between the borders */
    value_id period = mul(r, span, make_like(r, x, 2));
    value_id y = make2(r, OP_mod, make1(r, OP_abs, sub(r, x, lo)), period);
    y = make3(r, OP_select, make2(r, OP_gt, y, span), sub(r, period, y), y);
    return add(r, y, lo);
}

static value_id clamp_to(reader *r, value_id x, value_id extent) {
    value_id last = sub(r, extent, make_like(r, x, 1));
    return make2(r, OP_min, make2(r, OP_max, x, make_like(r, x, 0)), last);
}

/* Keys' cubic weights with a = -0.75 for the four taps around a position at fraction f. */
static value_id cubic_weight(reader *r, value_id f, uint32_t k) {
    value_id d = make1(r, OP_abs, sub(r, f, make_like(r, f, (double)k - 1))); /* distance to the tap */
    double a = -0.75;
    bool inner = k == 1 || k == 2;
    value_id c3 = make_like(r, f, inner ? a + 2 : a), c2 = make_like(r, f, inner ? -(a + 3) : -5 * a);
    value_id c1 = make_like(r, f, inner ? 0 : 8 * a), c0 = make_like(r, f, inner ? 1 : -4 * a);
    return add(r, mul(r, add(r, mul(r, add(r, mul(r, c3, d), c2), d), c1), d), c0);
}

/* x without what has no fraction: infinity clamps to where every tap reads the border, NaN is position 0. Reflected,
 * infinity has no position either. */
static value_id finite_position(reader *r, const sampler *s, value_id x, value_id extent) {
    value_id zero = make_like(r, x, 0), reach = make_like(r, x, MAX_TAPS);
    if (s->padding == PAD_REFLECTION) {
        value_id is_finite = make2(r, OP_lt, make1(r, OP_abs, x), make_like(r, x, (double)INFINITY));
        return make3(r, OP_select, is_finite, x, zero);
    }
    x = make3(r, OP_select, make2(r, OP_eq, x, x), x, zero);
    return make2(r, OP_min, make2(r, OP_max, x, make1(r, OP_neg, reach)), add(r, extent, reach));
}

/* The taps of axis i around positions x [N, P], in image coordinates. */
static void make_taps(reader *r, sampler *s, uint32_t i, value_id x) {
    value_id extent = dim_float(r, s->extents[i], dtype_of(r, x));
    if (s->padding != PAD_ZEROS) x = finite_position(r, s, x, extent);
    value_id base = make1(r, s->mode == MODE_NEAREST ? OP_round : OP_floor, x), fraction = sub(r, x, base);
    for (uint32_t k = 0; k < s->n_taps; k++) {
        double shift = s->mode == MODE_CUBIC ? (double)k - 1 : (double)k;
        value_id at = add(r, base, make_like(r, x, shift)), one = make_like(r, x, 1);
        tap *t = &s->taps[i][k];
        t->weight = s->mode == MODE_NEAREST ? one
                    : s->mode == MODE_CUBIC ? cubic_weight(r, fraction, k)
                                            : (k ? fraction : sub(r, one, fraction));
        value_id below = make2(r, OP_lt, at, extent), above = make2(r, OP_ge, at, make_like(r, x, 0));
        t->inside = s->padding == PAD_ZEROS ? make2(r, OP_and, below, above) : VALUE_NONE;
        if (s->padding == PAD_REFLECTION) at = reflect(r, s, at, extent);
        t->at = make_cast(r, clamp_to(r, at, extent), FRIT_DT_I64);
    }
}

/* Sum over all combinations of taps of weight * image [N, C, flat] at them; the result is [N, C, P]. */
static value_id gather_taps(reader *r, const sampler *s, value_id flat) {
    uint32_t combinations = 1;
    for (uint32_t i = 0; i < s->n; i++) combinations *= s->n_taps;
    value_id sum = VALUE_NONE;
    for (uint32_t c = 0; c < combinations && !failed(r); c++) {
        value_id index = VALUE_NONE, weight = VALUE_NONE, inside = VALUE_NONE;
        for (uint32_t i = 0, rest = c; i < s->n; i++, rest /= s->n_taps) {
            const tap *t = &s->taps[i][rest % s->n_taps];
            value_id extent = make_reshape(r, make_from_dims(r, 1, &s->extents[i]), 0, NULL);
            index = i ? add(r, mul(r, index, extent), t->at) : t->at;
            weight = i ? mul(r, weight, t->weight) : t->weight;
            if (t->inside != VALUE_NONE) inside = i ? make2(r, OP_and, inside, t->inside) : t->inside;
        }
        dim shape[3] = {extent_of(r, flat, 0), extent_of(r, flat, 1), extent_of(r, index, 1)};
        value_id places = make_broadcast(r, make_unsqueeze(r, index, 1), 3, shape);
        value_id pixels = make(r, OP_gather_elements, 2, (value_id[]){flat, places}, &(attr_axis){.axis = 2});
        bool is_plain = rank_of(r, weight) == 0; /* the nearest pixel as it is */
        value_id part =
            is_plain ? pixels : mul(r, pixels, make_cast(r, make_unsqueeze(r, weight, 1), dtype_of(r, flat)));
        /* A tap outside is 0 whatever was read in its place: an infinity times a weight of 0 is not. */
        if (inside != VALUE_NONE) part = make3(r, OP_select, make_unsqueeze(r, inside, 1), part, make_like(r, part, 0));
        sum = c ? make2(r, s->takes_max ? OP_max : OP_add, sum, part) : part;
    }
    return sum;
}

/* Grid coordinates -1..1 as image coordinates. */
static value_id denormalised(reader *r, const sampler *s, value_id x, dim extent) {
    value_id size = dim_float(r, extent, dtype_of(r, x)), one = make_like(r, x, 1), half = make_like(r, x, 0.5);
    value_id up = add(r, x, one);
    if (s->align) return mul(r, mul(r, up, half), sub(r, size, one));
    return mul(r, sub(r, mul(r, up, size), one), half);
}

void map_grid_sample(reader *r, call *n) {
    static const char *const modes[] = {"linear", "nearest", "cubic", NULL}, *const old_modes[] = {"bilinear",
                                                                                                   "nearest", "bicubic",
                                                                                                   NULL};
    static const char *const paddings[] = {"zeros", "border", "reflection", NULL};
    value_id x = n->in[0], grid = n->in[1];
    sampler s = {.n = rank_of(r, x) - 2, .align = attr_int(n, "align_corners", 0) != 0};
    s.mode =
        n->version < 20 ? attr_choice(r, n, "mode", "bilinear", old_modes) : attr_choice(r, n, "mode", "linear", modes);
    s.padding = attr_choice(r, n, "padding_mode", "zeros", paddings);
    s.n_taps = s.mode == MODE_NEAREST ? 1 : s.mode == MODE_LINEAR ? 2 : 4;
    if (x == VALUE_NONE || rank_of(r, x) < 3 || s.n > MAX_SPATIAL || rank_of(r, grid) != s.n + 2) {
        fail_node(r, FRIT_SHAPE, "needs an image and a grid of one to three spatial axes");
        return;
    }
    dim out[MAX_RANK] = {extent_of(r, x, 0), extent_of(r, x, 1)}, points = dimi(r, 1), pixels = dimi(r, 1);
    for (uint32_t i = 0; i < s.n; i++) {
        out[2 + i] = extent_of(r, grid, 1 + i), s.extents[i] = extent_of(r, x, 2 + i);
        points = dim_mul(r->dims, points, out[2 + i]), pixels = dim_mul(r->dims, pixels, s.extents[i]);
    }
    dim line[3] = {out[0], points, dimi(r, s.n)}, flat[3] = {out[0], out[1], pixels};
    grid = make_reshape(r, grid, 3, line);
    for (uint32_t i = 0; i < s.n; i++) { /* the grid names its axes last first */
        value_id at = make_squeeze(r, make_slice(r, grid, 2, dimi(r, s.n - 1 - i), dimi(r, 1), 1), 2);
        make_taps(r, &s, i, denormalised(r, &s, at, s.extents[i]));
    }
    n->out[0] = make_reshape(r, gather_taps(r, &s, make_reshape(r, x, 3, flat)), s.n + 2, out);
}

/* theta [N, k, k+1] applied to the grid of an image of the given size: [N, size.., k]. */
void map_affine_grid(reader *r, call *n) {
    value_id theta = n->in[0], columns[MAX_SPATIAL + 1];
    dim_list size;
    bool align = attr_int(n, "align_corners", 0) != 0;
    if (theta == VALUE_NONE || !want_dims(r, n, 1, &size)) return;
    uint32_t k = size.n - 2;
    if (size.n < 4 || k > MAX_SPATIAL || rank_of(r, theta) != 3) {
        fail_node(r, FRIT_SHAPE, "needs theta of three axes and a size of four or five");
        return;
    }
    dtype dt = dtype_of(r, theta);
    dim grid[MAX_SPATIAL + 1], flat[2] = {dim_product(r->dims, k, size.at + 2), dimi(r, 1)};
    for (uint32_t i = 0; i < k; i++) {
        value_id step = make_iota_nd(r, dt, k, size.at + 2, i), extent = dim_float(r, size.at[2 + i], dt);
        value_id one = make_splat(r, dt, 1), two = make_splat(r, dt, 2);
        value_id along = align ? quotient(r, mul(r, step, two), sub(r, extent, one))
                               : quotient(r, add(r, mul(r, step, two), one), extent);
        columns[k - 1 - i] = make_reshape(r, sub(r, along, one), 2, flat);
    }
    columns[k] = make_broadcast(r, make_splat(r, dt, 1), 2, flat);
    value_id points = make_concat(r, 1, k + 1, columns); /* [P, k+1] */
    value_id y = make2(r, OP_matmul, points, make_swap(r, theta, 1, 2));
    dim out[MAX_RANK] = {extent_of(r, theta, 0)};
    for (uint32_t i = 0; i < k; i++) grid[i] = size.at[2 + i], out[1 + i] = grid[i];
    out[1 + k] = dimi(r, k);
    n->out[0] = make_reshape(r, y, k + 2, out);
}

/* --- DeformConv --- */

typedef struct deform_call {
    window_call w;
    int64_t groups, offset_groups, taps; /* taps: positions of the kernel */
    dim out[2], points;                  /* output extents and their product */
    value_id offset, mask;               /* [N, offset groups, taps, 2, P], [N, offset groups, taps, P] */
} deform_call;

/* Positions along one axis that kernel position k reads: start + stride * i + dilation * k + offset, [N, P]. */
static value_id deformed(reader *r, const deform_call *d, uint32_t axis, int64_t k, value_id offset) {
    dim grid[2] = {d->out[0], d->out[1]}, line[2] = {dimi(r, 1), d->points};
    value_id step = make_iota_nd(r, dtype_of(r, offset), 2, grid, axis);
    double start = (double)(k * d->w.dilations[axis] - d->w.pads[axis]);
    value_id base = add(r, mul(r, step, make_like(r, step, (double)d->w.strides[axis])), make_like(r, step, start));
    return add(r, make_reshape(r, base, 2, line), offset);
}

static value_id pick(reader *r, value_id x, int64_t axis, int64_t i) {
    return make_squeeze(r, make_slice(r, x, axis, dimi(r, i), dimi(r, 1), 1), axis);
}

/* What kernel position k reads of the channels of one offset group: [N, C, 1, P]. */
static value_id deformed_column(reader *r, const deform_call *d, value_id x, int64_t group, int64_t k) {
    sampler s = {.n = 2, .n_taps = 2, .mode = MODE_LINEAR, .padding = PAD_ZEROS, .align = true};
    dim pixels[3] = {extent_of(r, x, 0), extent_of(r, x, 1), dim_mul(r->dims, extent_of(r, x, 2), extent_of(r, x, 3))};
    value_id shifts = pick(r, pick(r, d->offset, 1, group), 1, k); /* [N, 2, P] */
    for (uint32_t axis = 0; axis < 2; axis++) {
        int64_t at = axis ? k % d->w.sizes[1] : k / d->w.sizes[1];
        s.extents[axis] = extent_of(r, x, 2 + axis);
        make_taps(r, &s, axis, deformed(r, d, axis, at, pick(r, shifts, 1, axis)));
    }
    value_id y = gather_taps(r, &s, make_reshape(r, x, 3, pixels));
    if (d->mask != VALUE_NONE) y = mul(r, y, make_unsqueeze(r, pick(r, pick(r, d->mask, 1, group), 1, k), 1));
    return make_unsqueeze(r, y, 2);
}

static bool read_deform(reader *r, call *n, deform_call *d) {
    value_id offset = n->in[2], mask = n->in[4];
    if (!window_of(r, n, n->in[0], n->in[1], &d->w) || offset == VALUE_NONE) return false;
    d->groups = attr_int(n, "group", 1), d->offset_groups = attr_int(n, "offset_group", 1);
    if (d->w.n != 2 || rank_of(r, offset) != 4 || d->groups < 1 || d->offset_groups < 1 || d->offset_groups > 64 ||
        d->w.sizes[0] * d->w.sizes[1] > 256) {
        fail_node(r, FRIT_UNSUPPORTED, "needs two spatial axes, a kernel and groups of moderate size");
        return false;
    }
    d->taps = d->w.sizes[0] * d->w.sizes[1];
    d->out[0] = extent_of(r, offset, 2), d->out[1] = extent_of(r, offset, 3);
    d->points = dim_mul(r->dims, d->out[0], d->out[1]);
    dim batch = extent_of(r, offset, 0), g = dimi(r, d->offset_groups), k = dimi(r, d->taps);
    d->offset = make_reshape(r, offset, 5, (dim[]){batch, g, k, dimi(r, 2), d->points});
    d->mask = make_reshape(r, mask, 4, (dim[]){batch, g, k, d->points});
    return !failed(r);
}

/* Convolution whose kernel reads at positions shifted by offsets, bilinearly: all columns, then one product. */
void map_deform_conv(reader *r, call *n) {
    deform_call d;
    if (!read_deform(r, n, &d)) return;
    value_id x = n->in[0], *parts = ARENA_ARRAY(r->c->job, value_id, d.taps), groups[64];
    dim_table *t = r->dims;
    dim each = dim_floordiv(t, extent_of(r, x, 1), dimi(r, d.offset_groups));
    for (int64_t g = 0; g < d.offset_groups; g++) {
        value_id part = make_slice(r, x, 1, dim_mul(t, each, dimi(r, g)), each, 1);
        for (int64_t k = 0; k < d.taps; k++) parts[k] = deformed_column(r, &d, part, g, k);
        groups[g] = make_concat(r, 2, (uint32_t)d.taps, parts); /* [N, C / offset groups, taps, P] */
    }
    value_id columns = make_concat(r, 1, (uint32_t)d.offset_groups, groups), w = n->in[1];
    dim batch = extent_of(r, x, 0), g = dimi(r, d.groups), k = dimi(r, d.taps), o = extent_of(r, w, 0);
    dim wide[5] = {batch, g, extent_of(r, w, 1), k, d.points}, kernel[4] = {g, dim_floordiv(t, o, g), wide[2], k};
    value_id in[2] = {make_reshape(r, columns, 5, wide), make_reshape(r, w, 4, kernel)};
    value_id y = make(r, OP_contract, 2, in, &(attr_contract){.lhs = "ngckp", .rhs = "gock", .out = "ngop"});
    y = make_reshape(r, y, 4, (dim[]){batch, o, d.out[0], d.out[1]});
    if (has_in(n, 3)) y = add(r, y, make_reshape(r, n->in[3], 3, (dim[]){o, dimi(r, 1), dimi(r, 1)}));
    n->out[0] = y;
}

/* --- RoiAlign --- */

typedef struct roi_call {
    value_id rois; /* [R, 4]: x1, y1, x2, y2 */
    int64_t samples;
    double scale;
    bool half_pixel;
} roi_call;

/* Taps of one axis for all samples: positions are [R, bins * samples] along it, spread over the other axis to [R, P].
 */
static void roi_taps(reader *r, sampler *s, const roi_call *k, uint32_t axis, const int64_t *bins) {
    value_id start = make_slice(r, k->rois, 1, dimi(r, 1 - axis), dimi(r, 1), 1);
    value_id end = make_slice(r, k->rois, 1, dimi(r, 3 - axis), dimi(r, 1), 1);
    value_id scale = make_like(r, start, k->scale), offset = make_like(r, start, k->half_pixel ? 0.5 : 0);
    start = sub(r, mul(r, start, scale), offset), end = sub(r, mul(r, end, scale), offset);
    value_id size = sub(r, end, start);
    if (!k->half_pixel) size = make2(r, OP_max, size, make_like(r, size, 1));
    int64_t count[2] = {bins[0] * k->samples, bins[1] * k->samples};
    dim grid[2] = {dimi(r, count[0]), dimi(r, count[1])}, line[2] = {dimi(r, 1), dimi(r, count[0] * count[1])};
    value_id i = make_reshape(r, make_iota_nd(r, dtype_of(r, start), 2, grid, axis), 2, line);
    value_id step = quotient(r, size, make_like(r, size, (double)count[axis]));
    value_id x = add(r, start, mul(r, add(r, i, make_like(r, i, 0.5)), step));
    value_id extent = dim_float(r, s->extents[axis], dtype_of(r, x)), one = make_like(r, x, 1);
    value_id outside = make2(r, OP_or, make2(r, OP_lt, x, make_like(r, x, -1)), make2(r, OP_gt, x, extent));
    value_id inside = make1(r, OP_not, outside); /* a NaN is nowhere, and what it weighs is NaN */
    x = clamp_to(r, x, extent);
    value_id low = make1(r, OP_floor, x), fraction = sub(r, x, low);
    for (uint32_t j = 0; j < 2; j++) {
        value_id weight = j ? fraction : sub(r, one, fraction), at = j ? clamp_to(r, add(r, low, one), extent) : low;
        s->taps[axis][j] = (tap){make_cast(r, at, FRIT_DT_I64), inside, weight};
    }
}

/* Each region's bins: the mean, or the maximum of the weighted taps, over samples * samples points of every bin. */
void map_roi_align(reader *r, call *n) {
    static const char *const modes[] = {"avg", "max", NULL}, *const coords[] = {"output_half_pixel", "half_pixel",
                                                                                NULL};
    static const int64_t sample_axes[] = {3, 5};
    value_id x = n->in[0];
    const char *usual = n->version < 16 ? "output_half_pixel" : "half_pixel";
    roi_call k = {n->in[1], attr_int(n, "sampling_ratio", 0), attr_float(n, "spatial_scale", 1),
                  attr_choice(r, n, "coordinate_transformation_mode", usual, coords) != 0};
    int64_t bins[2] = {attr_int(n, "output_height", 1), attr_int(n, "output_width", 1)};
    bool fits = rank_of(r, x) == 4 && rank_of(r, k.rois) == 2 && bins[0] >= 1 && bins[1] >= 1 && bins[0] <= 4096 &&
                bins[1] <= 4096;
    if (!fits || k.samples < 1 || k.samples > 64) {
        fail_node(r, FRIT_UNSUPPORTED, "needs four axes, and a sampling_ratio that says how many points a bin has");
        return;
    }
    sampler s = {.n = 2, .n_taps = 2, .takes_max = attr_choice(r, n, "mode", "avg", modes) != 0};
    s.extents[0] = extent_of(r, x, 2), s.extents[1] = extent_of(r, x, 3);
    for (uint32_t axis = 0; axis < 2; axis++) roi_taps(r, &s, &k, axis, bins);
    value_id images = make_gather(r, 0, x, n->in[2]);
    dim regions = extent_of(r, images, 0), channels = extent_of(r, x, 1), m = dimi(r, k.samples);
    dim flat[3] = {regions, channels, dim_mul(r->dims, s.extents[0], s.extents[1])};
    dim split[6] = {regions, channels, dimi(r, bins[0]), m, dimi(r, bins[1]), m};
    value_id y = make_reshape(r, gather_taps(r, &s, make_reshape(r, images, 3, flat)), 6, split);
    n->out[0] = s.takes_max ? make_reduce(r, RK_max, y, 2, sample_axes, false) : make_mean(r, y, 2, sample_axes, false);
}
