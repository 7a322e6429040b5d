/* ONNX Resize: separable interpolation. Each axis becomes a table of taps (source position, weight) for every output
 * position; the axes are then applied one after another in f64. */
#include <math.h>
#include <string.h>

#include "ir/eval_ops.h"

/* What one output position of an axis reads. */
typedef struct taps {
    int64_t n, first; /* n positions from first on, clamped to the axis */
    double *weight;
    bool is_outside; /* tf_crop_and_resize beyond the input: the extrapolation value */
} taps;

/* One axis: scale is what the model gave, or out / in. */
typedef struct resize_axis {
    const attr_resize *at;
    int64_t in, out;
    double scale, roi_start, roi_end;
} resize_axis;

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

/* Weight of the left neighbour is 1 - result, of the right one result; ratio in (0, 1]. */
static double nearest_right(resize_nearest mode, double ratio) {
    if (ratio == 1) return 1;
    switch (mode) {
    case RN_round_prefer_floor:
        return ratio > 0.5;
    case RN_round_prefer_ceil:
        return ratio >= 0.5;
    case RN_floor:
        return 0;
    case RN_ceil:
        return 1;
    }
    return 0;
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
static void kernel_weights(eval_cx *e, const resize_axis *a, double ratio, taps *t) {
    const attr_resize *at = a->at;
    double stretch = at->antialias && a->scale < 1 ? a->scale : 1, sum = 0;
    int64_t reach = at->mode == RM_cubic ? 2 : 1;
    t->n = at->mode == RM_nearest ? 2 : -2 * (int64_t)floor(-(double)reach / stretch);
    t->weight = ARENA_ARRAY(e->c->scratch, double, t->n);
    for (int64_t i = 0; i < t->n; i++) {
        double x = ((double)(i - t->n / 2 + 1) - ratio) * stretch, right = nearest_right(at->nearest, ratio);
        if (at->mode == RM_nearest)
            t->weight[i] = i ? right : 1 - right;
        else
            t->weight[i] = at->mode == RM_cubic ? cubic_weight(x, at->cubic) : linear_weight(x);
        sum += t->weight[i];
    }
    for (int64_t i = 0; i < t->n && at->antialias && sum != 0; i++) t->weight[i] /= sum;
}

static taps taps_of(eval_cx *e, const resize_axis *a, int64_t p) {
    taps t = {0};
    double x = source_coordinate(a, p), left = ceil(x) - 1;
    if (a->at->coord == RC_tf_crop_and_resize && !(x >= 0 && x <= (double)a->in - 1)) {
        t.is_outside = true;
        return t;
    }
    kernel_weights(e, a, x - left, &t);
    t.first = (int64_t)left - t.n / 2 + 1;
    if (!a->at->exclude_outside) return t;
    double sum = 0;
    for (int64_t i = 0; i < t.n; i++) {
        if (t.first + i < 0 || t.first + i >= a->in) t.weight[i] = 0;
        sum += t.weight[i];
    }
    for (int64_t i = 0; i < t.n && sum != 0; i++) t.weight[i] /= sum;
    return t;
}

static double apply_taps(const taps *t, const double *x, int64_t extent, int64_t stride, double extrapolation) {
    double sum = 0;
    if (t->is_outside) return extrapolation;
    for (int64_t i = 0; i < t->n; i++) {
        int64_t p = t->first + i < 0 ? 0 : t->first + i >= extent ? extent - 1 : t->first + i;
        if (t->weight[i] != 0) sum += t->weight[i] * x[p * stride];
    }
    return sum;
}

/* Interpolates along one axis: x [outer, in, inner] -> [outer, out, inner]. */
static double *resize_along(eval_cx *e, const resize_axis *a, const double *x, int64_t outer, int64_t inner) {
    double *y = ARENA_ARRAY(e->c->scratch, double, outer * a->out * inner + 1);
    for (int64_t p = 0; p < a->out; p++) {
        taps t = taps_of(e, a, p);
        for (int64_t o = 0; o < outer; o++)
            for (int64_t i = 0; i < inner; i++)
                y[(o * a->out + p) * inner + i] =
                    apply_taps(&t, x + o * a->in * inner + i, a->in, inner, a->at->extrapolation);
    }
    return y;
}

static frit_status resize_axis_init(eval_cx *e, const node *n, uint32_t axis, uint32_t rank, resize_axis *a) {
    const attr_resize *at = a->at;
    bool has_scale = axis < at->scales.n && at->scales.at[axis] > 0;
    a->scale = has_scale ? at->scales.at[axis] : (double)a->out / (double)a->in;
    bool has_roi = at->roi.n == 2 * rank;
    a->roi_start = has_roi ? at->roi.at[axis] : 0;
    a->roi_end = has_roi ? at->roi.at[axis + rank] : 1;
    bool is_wild = !(fabs(a->roi_start) < 1e9 && fabs(a->roi_end) < 1e9 && a->scale > 1e-9 && a->scale < 1e9);
    if (a->in == 0 || is_wild) return FAIL(e->c, RANGE, node_where(e, n), "resize: axis %u cannot be resized", axis);
    return FRIT_OK;
}

static frit_status run_resize(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const attr_resize *at = n->attrs;
    int64_t shape[MAX_RANK], now[MAX_RANK];
    if (at->out.n != in->rank) return FAIL(e->c, SHAPE, node_where(e, n), "resize: one size for each axis");
    TRY(node_dims(e, n, at->out, shape));
    TRY(result_alloc(e, n, 0, in->dt, in->rank, shape, out));
    memcpy(now, in->shape, sizeof now);
    int64_t count = tensor_count(out);
    const double *x = load_f64(e, in);
    for (uint32_t i = 0; i < in->rank && count > 0; i++) {
        resize_axis a = {.at = at, .in = in->shape[i], .out = shape[i]};
        TRY(resize_axis_init(e, n, i, in->rank, &a));
        bool is_same = a.in == a.out && a.scale == 1 && at->coord != RC_tf_crop_and_resize;
        if (!is_same) x = resize_along(e, &a, x, shape_product(i, now), shape_product(in->rank - i - 1, now + i + 1));
        now[i] = shape[i];
    }
    for (int64_t i = 0; i < count; i++) store_f64(out, i, x[i]);
    return FRIT_OK;
}
const eval_row row_resize = {.run = run_resize};
