/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Resize of an axis with a symbolic extent: positions and weights by formula over an iota of the output axis, in f64,
 * as ir/op/resize.c computes them for tables. Vectors of one axis are small; only the gathers have the tensor's size.
 */
#include "passes/decompose/decompose.h"

enum { MOST_TAPS = 4 };

/* Vectors along the output axis. */
typedef struct formula {
    build *b;
    const attr_resize *at;
    uint32_t axis, rank;
    value_id in, out, scale; /* scalars */
    value_id is_copy;        /* bool scalar: the axis keeps its extent, VALUE_NONE where it cannot */
    value_id position;       /* f64 source coordinate of each output element */
} formula;

static value_id number(const formula *f, double x) { return build_splat(f->b, FRIT_DT_F64, x); }
static value_id plus(const formula *f, value_id v, double x) { return x == 0 ? v : build_add(f->b, v, number(f, x)); }

/* v, or `instead` where the resized width (scale * in) is 1. */
static value_id unless_width_one(const formula *f, value_id v, value_id instead) {
    build *b = f->b;
    value_id width = build_mul(b, f->scale, f->in);
    return build_select(b, build_op2(b, OP_eq, width, number(f, 1)), instead, v);
}

static value_id coordinate(const formula *f, value_id p) {
    build *b = f->b;
    value_id middle = build_div(b, plus(f, p, 0.5), f->scale), half = plus(f, middle, -0.5);
    value_id width = build_mul(b, f->scale, f->in), last = plus(f, f->in, -1);
    switch (f->at->coord) {
    case RC_half_pixel:
        return half;
    case RC_half_pixel_symmetric: {
        value_id rest = build_sub(b, number(f, 1), build_div(b, f->out, width));
        return plus(f, build_add(b, build_mul(b, build_mul(b, f->in, number(f, 0.5)), rest), middle), -0.5);
    }
    case RC_pytorch_half_pixel:
        return unless_width_one(f, half, number(f, -0.5));
    case RC_align_corners:
        return unless_width_one(f, build_div(b, build_mul(b, p, last), plus(f, width, -1)), number(f, 0));
    case RC_asymmetric:
        return build_div(b, p, f->scale);
    case RC_tf_crop_and_resize:
        break;
    }
    bool has_roi = f->at->roi.n == 2 * f->rank;
    double start = has_roi ? f->at->roi.at[f->axis] : 0, end = has_roi ? f->at->roi.at[f->axis + f->rank] : 1;
    value_id span = build_mul(b, last, number(f, end - start));
    value_id inner = build_div(b, build_mul(b, p, span), plus(f, width, -1));
    inner = unless_width_one(f, inner, build_mul(b, span, number(f, 0.5)));
    return build_add(b, build_mul(b, last, number(f, start)), inner);
}

/* 1 where the right neighbour is the nearest, for a ratio in (0, 1]. */
static value_id nearest_right(const formula *f, value_id ratio) {
    build *b = f->b;
    value_id half = number(f, 0.5), is_right = VALUE_NONE;
    switch (f->at->nearest) {
    case RN_round_prefer_floor:
        is_right = build_op2(b, OP_gt, ratio, half);
        break;
    case RN_round_prefer_ceil:
        is_right = build_op2(b, OP_ge, ratio, half);
        break;
    case RN_floor:
        is_right = build_op2(b, OP_eq, ratio, number(f, 1));
        break;
    case RN_ceil:
        is_right = build_op2(b, OP_gt, ratio, number(f, 0));
        break;
    }
    return build_cast(b, is_right, FRIT_DT_F64);
}

/* Keys' cubic kernel at distance x >= 0: the inner polynomial up to 1, the outer one up to 2. */
static value_id cubic_weight(const formula *f, value_id x, bool is_inner) {
    build *b = f->b;
    double a = f->at->cubic, outer[] = {a, -5 * a, 8 * a, -4 * a}, inner[] = {a + 2, -(a + 3), 0, 1};
    const double *k = is_inner ? inner : outer;
    value_id y = number(f, k[0]);
    for (uint32_t i = 1; i < 4; i++) y = plus(f, build_mul(b, y, x), k[i]);
    return y;
}

static uint32_t tap_weights(const formula *f, value_id ratio, value_id *weight) {
    build *b = f->b;
    value_id rest = build_sub(b, number(f, 1), ratio);
    if (f->at->mode == RM_linear) {
        weight[0] = rest;
        weight[1] = ratio;
        return 2;
    }
    weight[0] = cubic_weight(f, plus(f, ratio, 1), false);
    weight[1] = cubic_weight(f, ratio, true);
    weight[2] = cubic_weight(f, rest, true);
    weight[3] = cubic_weight(f, plus(f, rest, 1), false);
    return 4;
}

static value_id is_inside(const formula *f, value_id position) {
    build *b = f->b;
    value_id low = build_op2(b, OP_ge, position, number(f, 0));
    return build_op2(b, OP_and, low, build_op2(b, OP_le, position, plus(f, f->in, -1)));
}

/* Weights of positions outside become 0, the others sum to 1 again where there are any. */
static void exclude_outside(const formula *f, uint32_t n, const value_id *position, value_id *weight) {
    build *b = f->b;
    value_id sum = number(f, 0);
    for (uint32_t i = 0; i < n; i++) {
        weight[i] = build_select(b, is_inside(f, position[i]), weight[i], number(f, 0));
        sum = build_add(b, sum, weight[i]);
    }
    sum = build_select(b, build_op2(b, OP_eq, sum, number(f, 0)), number(f, 1), sum);
    for (uint32_t i = 0; i < n; i++) weight[i] = build_div(b, weight[i], sum);
}

/* An axis that keeps its extent is copied, whatever stands beside an element: all taps read the element itself. Their
 * weights are powers of two. */
static void copy_taps(const formula *f, value_id p, uint32_t n, value_id *position, value_id *weight) {
    for (uint32_t i = 0; i < n && f->is_copy != VALUE_NONE; i++) {
        position[i] = build_select(f->b, f->is_copy, p, position[i]);
        weight[i] = build_select(f->b, f->is_copy, number(f, 1.0 / n), weight[i]);
    }
}

static value_id gather_at(const formula *f, value_id x, value_id position) {
    build *b = f->b;
    value_id low = build_op2(b, OP_max, position, number(f, 0));
    value_id index = build_cast(b, build_op2(b, OP_min, low, plus(f, f->in, -1)), FRIT_DT_I64);
    return build_node(b, OP_gather, 2, (value_id[]){x, index}, &(attr_axis){.axis = f->axis});
}

static value_id weighted_sum(const formula *f, value_id x, value_id p, value_id left, value_id ratio) {
    build *b = f->b;
    dtype dt = build_type(b, x)->dt, wide = dtype_is_float(dt) ? dt : FRIT_DT_F32;
    value_id position[MOST_TAPS], weight[MOST_TAPS], sum = VALUE_NONE;
    uint32_t n = tap_weights(f, ratio, weight);
    for (uint32_t i = 0; i < n; i++) position[i] = plus(f, left, (double)i - (n / 2 - 1));
    if (f->at->exclude_outside) exclude_outside(f, n, position, weight);
    copy_taps(f, p, n, position, weight);
    for (uint32_t i = 0; i < n; i++) {
        value_id w = build_along(b, build_cast(b, weight[i], wide), f->axis, f->rank);
        value_id part = build_mul(b, build_cast(b, gather_at(f, x, position[i]), wide), w);
        sum = i ? build_add(b, sum, part) : part;
    }
    return build_cast(b, sum, dt);
}

/* The element at a position, times 0 where positions outside are excluded and this one is. */
static value_id nearest_at(const formula *f, value_id x, value_id position) {
    build *b = f->b;
    value_id y = gather_at(f, x, position);
    if (!f->at->exclude_outside || !build_ok(b)) return y;
    value_id weight = build_cast(b, is_inside(f, position), build_type(b, x)->dt);
    return build_mul(b, y, build_along(b, weight, f->axis, f->rank));
}

/* Whether an extent `from` becomes itself and so is copied; VALUE_NONE: it never does. */
static value_id keeps_extent(const formula *f, dim from, dim to) {
    const attr_resize *a = f->at;
    dim_table *t = f->b->g->dims;
    dim one = dim_const(t, 1);
    bool has_scale = f->axis < a->scales.n && a->scales.at[f->axis] > 0;
    bool has_roi = a->coord == RC_tf_crop_and_resize && a->roi.n == 2 * f->rank;
    bool is_cropped = has_roi && (a->roi.at[f->axis] != 0 || a->roi.at[f->axis + f->rank] != 1);
    bool differs = dim_le(t, dim_add(t, from, one), to) || dim_le(t, dim_add(t, to, one), from);
    return has_scale || is_cropped || differs ? VALUE_NONE : build_op2(f->b, OP_eq, f->in, f->out);
}

value_id decompose_resize_symbolic(decomposition *d, value_id x, uint32_t axis, dim from, dim to) {
    const attr_resize *a = d->attrs;
    build *b = &d->b;
    if (a->antialias) return build_fail(b, FRIT_UNSUPPORTED, "resize with antialias of the symbolic axis %u", axis);
    formula f = {.b = b, .at = a, .axis = axis, .rank = d->types[0].rank};
    f.in = build_of_dim(b, FRIT_DT_F64, from);
    f.out = build_of_dim(b, FRIT_DT_F64, to);
    bool has_scale = axis < a->scales.n && a->scales.at[axis] > 0;
    f.scale = has_scale ? number(&f, a->scales.at[axis]) : build_div(b, f.out, f.in);
    value_id p = build_cast(b, build_iota(b, FRIT_DT_I64, 0, 1, to), FRIT_DT_F64);
    value_id at = coordinate(&f, p), left = plus(&f, build_op1(b, OP_ceil, at), -1);
    value_id ratio = build_sub(b, at, left), y = VALUE_NONE;
    if (a->mode == RM_nearest) {
        y = nearest_at(&f, x, build_add(b, left, nearest_right(&f, ratio)));
    } else {
        f.is_copy = keeps_extent(&f, from, to);
        y = weighted_sum(&f, x, p, left, ratio);
    }
    if (a->coord != RC_tf_crop_and_resize) return y;
    value_id inside = build_along(b, is_inside(&f, at), axis, f.rank);
    return build_select(b, inside, y, build_like(b, y, a->extrapolation));
}
