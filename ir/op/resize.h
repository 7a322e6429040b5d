/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Interpolation tables of resize: which input positions of an axis an output position reads, and with what weights. The
 * evaluator applies them, and decompose turns them into gathers. */
#ifndef FRIT_IR_RESIZE_H
#define FRIT_IR_RESIZE_H

#include "ir/op/ops.h"

/* What one output position of an axis reads. Linear and cubic interpolation multiply every neighbour, as ONNX's
 * reference does: a NaN shows although its weight may be 0. Nearest has one tap. */
typedef struct resize_taps {
    int64_t n, first; /* n positions from first on, clamped to the axis */
    double *weight;
    bool is_outside; /* tf_crop_and_resize beyond the input: the extrapolation value */
} resize_taps;

/* One axis: scale is what the model gave, or out / in. */
typedef struct resize_axis {
    const attr_resize *at;
    int64_t in, out;
    double scale, roi_start, roi_end;
} resize_axis;

/* Axis `axis` of `rank`, from `in` to `out` elements; false when its numbers make no sense. */
bool resize_axis_init(const attr_resize *at, uint32_t axis, uint32_t rank, int64_t in, int64_t out, resize_axis *a);
bool resize_is_identity(const resize_axis *a);
/* Taps of output position p; weights in a. Positions beyond the axis clamp to its ends. */
resize_taps resize_taps_of(arena *a, const resize_axis *axis, int64_t p);

#endif
