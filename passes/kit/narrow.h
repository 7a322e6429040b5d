/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operands of products that are 8-bit integers in disguise: scale * (q - zero), seen through views. Private to
 * passes/rewrite/raise_quantized.c and passes/narrow.c. */
#ifndef FRIT_PASSES_NARROW_H
#define FRIT_PASSES_NARROW_H

#include "passes/kit/build.h"

enum { NARROW_VIEWS = 16 };

/* A scale or zero point: one number, or one per slice along some axes. */
typedef struct narrow_param {
    value_id v;         /* old graph; VALUE_NONE: there is none */
    const node *at;     /* the node that applies it; its result has the shape that v spreads over */
    uint32_t n_outside; /* views of the operand that come after it */
    bool is_single;     /* one element */
} narrow_param;

typedef struct narrow {
    value_id q; /* old graph: u8 or i8 */
    narrow_param zero, scale;
    uint32_t n_views;
    const node *views[NARROW_VIEWS]; /* outermost first */
} narrow;

/* Whether v (of g) is such an operand; labels name its axes, `out` are the labels that are not summed: zero and scale
 * may differ along those only. */
bool narrow_find(const graph *g, value_id v, const char *labels, const char *out, narrow *found);

/* q in the new graph under its views; windows and pads beyond its edges give `fill` (scalar of q's type). */
value_id narrow_views(graph_rewriter *r, build *b, const narrow *x, value_id q, value_id fill);
/* The parameter in dt, of the rank of `out`, to be broadcast against a product with labels `out`; a single one as a
 * scalar. */
value_id narrow_param_over(graph_rewriter *r, build *b, const narrow *x, const narrow_param *p, dtype dt,
                           const char *labels, const char *out);
/* x with axes labels (a subset of out's, any order), as rank strlen(out) with extent 1 where it has none. */
value_id narrow_align(build *b, value_id x, const char *labels, const char *out);
/* Sums of constant bytes d, seen as x views them, over the labels that are not in out: an i32 constant over the others
 * in their order. VALUE_NONE when the views are more than reshapes and transposes of known bytes. */
value_id narrow_constant_sums(build *b, const narrow *x, const const_data *d, const char *labels, const char *out);

#endif
