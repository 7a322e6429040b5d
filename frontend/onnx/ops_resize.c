/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Resize and Upsample. */
#include <math.h>
#include <string.h>

#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

/* floor(d * scale): exact for scales that are a quotient of small numbers, and for constants. */
static dim scaled_extent(reader *r, dim d, double scale) {
    int64_t k;
    if (dim_is_const(r->dims, d, &k)) {
        double size = floor((double)(float)((double)k * scale));
        return size >= 0 && size <= INT32_MAX ? dimi(r, (int64_t)size) : DIM_BAD;
    }
    for (int64_t q = 1; q <= 64; q++) {
        double p = scale * (double)q;
        if (fabs(p - round(p)) < 1e-5 && p < 1e6)
            return dim_floordiv(r->dims, dim_mul(r->dims, d, dimi(r, (int64_t)round(p))), dimi(r, q));
    }
    fail_node(r, FRIT_UNSUPPORTED, "a scale of %g on the extent %s", scale, dim_text(r->c->job, r->dims, d));
    return d;
}

typedef struct resize_call {
    value_id x;
    uint32_t rank, n_axes;
    int64_t axes[MAX_RANK];
    dim out[MAX_RANK];
    double scales[MAX_RANK], roi[2 * MAX_RANK];
    bool has_scales, has_roi;
} resize_call;

static bool read_axes(reader *r, call *n, resize_call *k) {
    int_list axes;
    k->x = n->in[0], k->rank = rank_of(r, n->in[0]), k->n_axes = k->rank;
    bool given = attr_ints(n, "axes", &axes);
    if (given && axes.n <= k->rank) k->n_axes = axes.n;
    for (uint32_t i = 0; i < k->n_axes; i++) {
        k->axes[i] = given ? axes.at[i] : i;
        if (!norm_axis(r, &k->axes[i], k->rank)) return false;
    }
    for (uint32_t i = 0; i < k->rank; i++) {
        k->out[i] = extent_of(r, k->x, i), k->scales[i] = 1;
        k->roi[i] = 0, k->roi[k->rank + i] = 1;
    }
    return k->x != VALUE_NONE;
}

static void set_scales(reader *r, resize_call *k, const f64_list *scales) {
    if (scales->n != k->n_axes) {
        fail_node(r, FRIT_SHAPE, "%u scales for %u axes", scales->n, k->n_axes);
        return;
    }
    k->has_scales = true;
    for (uint32_t i = 0; i < k->n_axes; i++) {
        if (!(scales->at[i] > 0) || scales->at[i] > 1e6) fail_node(r, FRIT_RANGE, "a scale of %g", scales->at[i]);
        if (failed(r)) return;
        k->scales[k->axes[i]] = scales->at[i];
        k->out[k->axes[i]] = scaled_extent(r, extent_of(r, k->x, k->axes[i]), scales->at[i]);
    }
}

/* keep_aspect_ratio_policy: one scale for all axes, the least or the greatest that the sizes ask for. */
static void keep_aspect(reader *r, call *n, resize_call *k, const dim_list *sizes, bool larger) {
    double scale = larger ? 0 : INFINITY;
    int64_t want[MAX_RANK], have[MAX_RANK];
    for (uint32_t i = 0; i < k->n_axes; i++) {
        if (!dim_is_const(r->dims, sizes->at[i], &want[i]) ||
            !dim_is_const(r->dims, extent_of(r, k->x, k->axes[i]), &have[i]) || have[i] == 0) {
            want_const(r, n, 3, "the scale of all axes");
            return;
        }
        double s = (double)want[i] / (double)have[i];
        if (larger ? s > scale : s < scale) scale = s;
    }
    k->has_scales = true;
    for (uint32_t i = 0; i < k->n_axes; i++) {
        k->scales[k->axes[i]] = scale;
        k->out[k->axes[i]] = dimi(r, (int64_t)floor(scale * (double)have[i] + 0.5));
    }
}

static void set_sizes(reader *r, call *n, resize_call *k, const dim_list *sizes) {
    static const char *const policies[] = {"stretch", "not_larger", "not_smaller", NULL};
    if (sizes->n != k->n_axes) {
        fail_node(r, FRIT_SHAPE, "%u sizes for %u axes", sizes->n, k->n_axes);
        return;
    }
    int policy = attr_choice(r, n, "keep_aspect_ratio_policy", "stretch", policies);
    if (policy) {
        keep_aspect(r, n, k, sizes, policy == 2);
        return;
    }
    for (uint32_t i = 0; i < k->n_axes; i++) k->out[k->axes[i]] = sizes->at[i];
}

static bool is_empty(const reader *r, value_id v) {
    return v == VALUE_NONE || extent_of(r, v, 0) == dim_const(r->dims, 0);
}

/* roi, scales and sizes: operands 1, 2, 3 since opset 11; scales alone before. */
static void read_operands(reader *r, call *n, resize_call *k) {
    f64_list scales, roi;
    dim_list sizes;
    uint32_t at = n->version < 11 ? 1 : 2;
    bool crops = str_equal(attr_text(n, "coordinate_transformation_mode", ""), "tf_crop_and_resize");
    if (crops && !is_empty(r, n->in[1]) && want_floats(r, n, 1, &roi) && roi.n == 2 * k->n_axes) {
        k->has_roi = true;
        for (uint32_t i = 0; i < k->n_axes; i++)
            k->roi[k->axes[i]] = roi.at[i], k->roi[k->rank + (uint32_t)k->axes[i]] = roi.at[k->n_axes + i];
    }
    const onnx_attr *fixed = attr_find(n, "scales");
    if (fixed && fixed->type == ATTR_FLOATS)
        set_scales(r, k, &fixed->floats);
    else if (!is_empty(r, n->in[at]) && want_floats(r, n, at, &scales))
        set_scales(r, k, &scales);
    else if (n->version >= 11 && has_in(n, 3) && want_dims(r, n, 3, &sizes))
        set_sizes(r, n, k, &sizes);
    else
        fail_node(r, FRIT_FORMAT, "neither scales nor sizes are given");
}

/* The elements of one axis at p / scale in f32, rounded up where the axis shrinks and down where it grows. */
static value_id pick_old_nearest(reader *r, value_id x, uint32_t axis, dim out, double scale) {
    value_id p = make_iota(r, FRIT_DT_F32, out);
    value_id at = make1(r, scale < 1 ? OP_ceil : OP_floor, quotient(r, p, make_like(r, p, scale)));
    dim last = dim_sub(r->dims, extent_of(r, x, axis), dimi(r, 1));
    value_id end = make_reshape(r, make_from_dims(r, 1, &last), 0, NULL);
    value_id index = make2(r, OP_min, make_cast(r, at, FRIT_DT_I64), end);
    return make_gather(r, axis, x, index);
}

/* Nearest before opset 11: whole factors repeat, as rounding down has it. */
static value_id resize_old_nearest(reader *r, const resize_call *k, const attr_resize *a) {
    value_id x = k->x;
    dim out[MAX_RANK];
    double whole[MAX_RANK];
    bool repeats = false;
    for (uint32_t i = 0; i < k->rank; i++) {
        bool is_whole = k->scales[i] == floor(k->scales[i]);
        whole[i] = is_whole ? k->scales[i] : 1;
        out[i] = is_whole ? k->out[i] : extent_of(r, x, i);
        repeats = repeats || whole[i] != 1;
    }
    attr_resize part = *a;
    part.out.at = out, part.scales.at = whole;
    if (repeats) x = make(r, OP_resize, 1, &x, &part);
    for (uint32_t i = 0; i < k->rank; i++)
        if (k->scales[i] != floor(k->scales[i])) x = pick_old_nearest(r, x, i, k->out[i], k->scales[i]);
    return x;
}

void map_resize(reader *r, call *n) {
    static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
    static const char *const coords[] = {
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize",
        NULL};
    static const char *const nearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil", NULL};
    resize_call k = {0};
    if (!read_axes(r, n, &k)) return;
    read_operands(r, n, &k);
    bool old = n->version < 11;
    attr_resize a = {.out = {k.rank, k.out}, .cubic = attr_float(n, "cubic_coeff_a", -0.75)};
    if (str_equal(attr_text(n, "mode", "nearest"), "bilinear"))
        a.mode = RM_linear; /* Upsample of opset 7 */
    else
        a.mode = (resize_mode)attr_choice(r, n, "mode", "nearest", modes);
    a.coord =
        old ? RC_asymmetric : (resize_coord)attr_choice(r, n, "coordinate_transformation_mode", "half_pixel", coords);
    a.nearest = old ? RN_floor : (resize_nearest)attr_choice(r, n, "nearest_mode", "round_prefer_floor", nearest);
    a.exclude_outside = attr_int(n, "exclude_outside", 0) != 0;
    a.extrapolation = attr_float(n, "extrapolation_value", 0);
    a.antialias = attr_int(n, "antialias", 0) != 0;
    if (k.has_scales) a.scales = (f64_list){k.rank, k.scales};
    if (a.coord == RC_tf_crop_and_resize) {
        if (!k.has_roi) fail_node(r, FRIT_FORMAT, "tf_crop_and_resize needs a constant roi");
        a.roi = (f64_list){2 * k.rank, k.roi};
    }
    if (failed(r)) return;
    bool splits = old && a.mode == RM_nearest;
    n->out[0] = splits ? resize_old_nearest(r, &k, &a) : make(r, OP_resize, 1, &k.x, &a);
}
