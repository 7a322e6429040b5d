/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Coordinates, kernels and weights of ONNX Resize, one axis at a time. */
#include "ir/op/resize.h"

#include <math.h>

/* Source coordinate of output position p. */
static double source_coordinate(const resize_axis *a, int64_t p) {
    double in = (double)a->in, x = (double)p, width = a->scale * in;
    switch (a->at->coord) {
    case RC_half_pixel:
        return (x + 0.5) / a->scale - 0.5;
    case RC_half_pixel_symmetric:
        return in / 2 * (1 - (double)a->out / width) + (x + 0.5) / a->scale - 0.5;
    case RC_pytorch_half_pixel:
        return width == 1 ? -0.5 : (x + 0.5) / a->scale - 0.5;
    case RC_align_corners:
        return width == 1 ? 0 : x * (in - 1) / (width - 1);
    case RC_asymmetric:
        return x / a->scale;
    case RC_tf_crop_and_resize: {
        double span = (a->roi_end - a->roi_start) * (in - 1);
        return a->roi_start * (in - 1) + (width == 1 ? span / 2 : x * span / (width - 1));
    }
    }
    return 0;
}

/* Whether the right neighbour is the nearest; ratio in (0, 1]. */
static bool is_right_nearest(resize_nearest mode, double ratio) {
    switch (mode) {
    case RN_round_prefer_floor:
        return ratio > 0.5;
    case RN_round_prefer_ceil:
        return ratio >= 0.5;
    case RN_floor:
        return ratio == 1;
    case RN_ceil:
        return true;
    }
    return false;
}

/* Keys' cubic kernel. */
static double cubic_weight(double x, double a) {
    x = fabs(x);
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

static double linear_weight(double x) { return fmax(0, 1 - fabs(x)); }

/* Fills t->n and its weights for a coordinate that lies ratio to the right of its left neighbour, which is tap
 * t->n / 2 - 1. Antialiasing stretches the kernel by 1 / scale when shrinking. */
static void kernel_weights(arena *mem, const resize_axis *a, double ratio, resize_taps *t) {
    const attr_resize *at = a->at;
    double stretch = at->antialias && a->scale < 1 ? a->scale : 1, sum = 0;
    int64_t reach = at->mode == RM_cubic ? 2 : 1;
    t->n = -2 * (int64_t)floor(-(double)reach / stretch);
    t->weight = ARENA_ARRAY(mem, double, t->n);
    for (int64_t i = 0; i < t->n; i++) {
        double x = ((double)(i - t->n / 2 + 1) - ratio) * stretch;
        t->weight[i] = at->mode == RM_cubic ? cubic_weight(x, at->cubic) : linear_weight(x);
        sum += t->weight[i];
    }
    for (int64_t i = 0; i < t->n && at->antialias && sum != 0; i++) t->weight[i] /= sum;
}

resize_taps resize_taps_of(arena *mem, const resize_axis *a, int64_t p) {
    resize_taps t = {0};
    double x = source_coordinate(a, p), left = ceil(x) - 1;
    if (a->at->coord == RC_tf_crop_and_resize && !(x >= 0 && x <= (double)a->in - 1)) {
        t.is_outside = true;
        return t;
    }
    if (a->at->mode == RM_nearest) {
        t.n = 1;
        t.weight = ARENA_ARRAY(mem, double, 1);
        t.weight[0] = 1;
        t.first = (int64_t)left + is_right_nearest(a->at->nearest, x - left);
    } else {
        kernel_weights(mem, a, x - left, &t);
        t.first = (int64_t)left - t.n / 2 + 1;
    }
    if (!a->at->exclude_outside) return t;
    double sum = 0;
    for (int64_t i = 0; i < t.n; i++) {
        if (t.first + i < 0 || t.first + i >= a->in) t.weight[i] = 0;
        sum += t.weight[i];
    }
    for (int64_t i = 0; i < t.n && sum != 0; i++) t.weight[i] /= sum;
    return t;
}

bool resize_axis_init(const attr_resize *at, uint32_t axis, uint32_t rank, int64_t in, int64_t out, resize_axis *a) {
    *a = (resize_axis){.at = at, .in = in, .out = out};
    bool has_scale = axis < at->scales.n && at->scales.at[axis] > 0;
    a->scale = has_scale ? at->scales.at[axis] : (double)a->out / (double)a->in;
    bool has_roi = at->roi.n == 2 * rank;
    a->roi_start = has_roi ? at->roi.at[axis] : 0;
    a->roi_end = has_roi ? at->roi.at[axis + rank] : 1;
    bool is_sane = fabs(a->roi_start) < 1e9 && fabs(a->roi_end) < 1e9 && a->scale > 1e-9 && a->scale < 1e9;
    return a->in != 0 && is_sane;
}

bool resize_is_identity(const resize_axis *a) {
    bool is_cropped = a->at->coord == RC_tf_crop_and_resize && (a->roi_start != 0 || a->roi_end != 1);
    return a->in == a->out && a->scale == 1 && !is_cropped;
}
