/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* ONNX Resize: separable interpolation. Each axis becomes a table of taps (source position, weight) for every output
 * position; the axes are then applied one after another in f64. */
#include <math.h>
#include <string.h>

#include "ir/eval/eval_ops.h"
#include "ir/op/resize.h"

static double apply_taps(const resize_taps *t, const double *x, int64_t extent, int64_t stride, double extrapolation) {
    double sum = 0;
    if (t->is_outside) return extrapolation;
    for (int64_t i = 0; i < t->n; i++) {
        int64_t p = t->first + i < 0 ? 0 : t->first + i >= extent ? extent - 1 : t->first + i;
        sum += t->weight[i] * x[p * stride];
    }
    return sum;
}

/* Interpolates along one axis: x [outer, in, inner] -> [outer, out, inner]. */
static double *resize_along(eval_cx *e, const resize_axis *a, const double *x, int64_t outer, int64_t inner) {
    double *y = ARENA_ARRAY(e->c->scratch, double, outer * a->out * inner + 1);
    for (int64_t p = 0; p < a->out; p++) {
        resize_taps t = resize_taps_of(e->c->scratch, a, p);
        for (int64_t o = 0; o < outer; o++)
            for (int64_t i = 0; i < inner; i++)
                y[(o * a->out + p) * inner + i] =
                    apply_taps(&t, x + o * a->in * inner + i, a->in, inner, a->at->extrapolation);
    }
    return y;
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
        resize_axis a;
        if (!resize_axis_init(at, i, in->rank, in->shape[i], shape[i], &a))
            return FAIL(e->c, RANGE, node_where(e, n), "resize: axis %u cannot be resized", i);
        if (!resize_is_identity(&a))
            x = resize_along(e, &a, x, shape_product(i, now), shape_product(in->rank - i - 1, now + i + 1));
        now[i] = shape[i];
    }
    for (int64_t i = 0; i < count; i++) store_f64(out, i, x[i]);
    return FRIT_OK;
}
const eval_row row_resize = {.run = run_resize};
