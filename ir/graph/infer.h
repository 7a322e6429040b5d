/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the infer_<op> functions share: access to operand types, normalising attributes, messages that begin with the
 * operator's name. Private to ir/infer*.c. */
#ifndef FRIT_IR_INFER_H
#define FRIT_IR_INFER_H

#include "ir/graph/graph.h"
#include "ir/op/attrs.h"

typedef frit_status infer_fn(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n);

/* Every operator has one; elementwise operators share infer_elementwise instead (see infer.c). */
#define OP(name, ...) infer_fn infer_##name;
#include "ir/ops.def"
#undef OP

frit_status infer_fail(cx *c, const infer_args *a, frit_status code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static inline const tensor_type *infer_in(const infer_args *a, uint32_t i) { return graph_type(a->g, a->in[i]); }
const char *infer_dim(const infer_args *a, dim d);                  /* "B + 1" */
const char *infer_shape(const infer_args *a, const tensor_type *t); /* "[B, 64]" */

/* A shape of rank dims to fill in, owned by the graph. */
dim *infer_new_shape(const infer_args *a, uint32_t rank);
/* out[0] = dt with that shape. */
frit_status infer_result(cx *c, const infer_args *a, tensor_type *out, tensor_type t);
static inline dim infer_int(const infer_args *a, int64_t v) { return dim_const(a->g->dims, v); }

/* Axis in -rank..rank-1 made 0..rank-1 in place; error FRIT_RANGE otherwise. */
frit_status infer_axis(cx *c, const infer_args *a, int64_t *axis, uint32_t rank);
/* The same for a list, whose entries must differ. */
frit_status infer_axes(cx *c, const infer_args *a, int_list *axes, uint32_t rank);
/* A list left empty becomes n times fill; else it must have n entries in lo..INT32_MAX. */
frit_status infer_ints(cx *c, const infer_args *a, int_list *l, const char *name, uint32_t n, int64_t fill, int64_t lo);
/* Requires x == y; what names the pair in messages ("inner sizes"). */
frit_status infer_match(cx *c, const infer_args *a, dim x, dim y, const char *what);
/* Requires lo <= hi of every call, so that no element outside a tensor is touched; nothing inside of regions, which may
 * not be entered. what says it: "the axis has no elements". */
frit_status infer_at_most(cx *c, const infer_args *a, dim lo, dim hi, const char *what);
/* Requires that an axis of extent elements has one, unless n is 0. */
frit_status infer_not_empty(cx *c, const infer_args *a, dim n, dim extent);
frit_status infer_same_dtype(cx *c, const infer_args *a, uint32_t first, uint32_t n);
frit_status infer_rank_is(cx *c, const infer_args *a, uint32_t operand, uint32_t rank);
frit_status infer_index_dtype(cx *c, const infer_args *a, uint32_t operand);
/* numpy broadcasting of two shapes into out (capacity MAX_RANK). */
frit_status infer_join(cx *c, const infer_args *a, const tensor_type *x, const tensor_type *y, dim *out,
                       uint32_t *out_rank);
/* x must broadcast to shape t without changing it; what names x. */
frit_status infer_broadcasts_to(cx *c, const infer_args *a, const tensor_type *x, const tensor_type *t,
                                const char *what);
/* Output extent of a sliding window: floor or ceil of (d + lo + hi - dilation (size - 1) - 1) / stride, plus 1; a
 * window that would start in the trailing padding is dropped when rounding up. */
typedef struct window_dim {
    int64_t size, stride, dilation, lo, hi;
    bool ceil;
} window_dim;
dim infer_window_extent(const infer_args *a, dim d, const window_dim *w);
/* A fresh run-time symbol 0..hi named base with a number. */
dim infer_result_symbol(const infer_args *a, const char *base, dim bound);
/* Makes symbol (a plain symbol; else nothing happens) one that the operator counts while it runs, at most bound
 * (DIM_BAD: what its range says). */
void infer_bound_result(const infer_args *a, dim symbol, dim bound);

#endif
