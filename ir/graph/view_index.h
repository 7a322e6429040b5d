/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The index algebra of views and products: which element of an operand stands behind an element of the result.
 *
 *   %y = transpose %x {perm = [1, 0]}      y[i, j] is x[j, i]
 *   %z = reshape %x : [B * S, D]           z[i, j] is x[i floordiv S, i mod S, j] */
#ifndef FRIT_IR_VIEW_INDEX_H
#define FRIT_IR_VIEW_INDEX_H

#include "ir/graph/graph.h"

/* Whether n is a view of its only operand that neither fills nor repeats elements: reshape, transpose, broadcast,
 * slice. n may be NULL. */
bool view_is_plain(const node *n);
/* v traced through plain views to the value that they look at. */
value_id view_base(const graph *g, value_id v);
/* Index of the operand that element out_index of the view n looks at. *out_unsure (when non-NULL) receives one bit for
 * each axis of the operand along which the index may lie outside of it: there the element is the fill value of a pad or
 * window. Only VIEW nodes but concat. */
void view_index(const graph *g, const node *n, const dim *out_index, dim *in_index, uint32_t *out_unsure);

/* The index in shape `to` of the element that has index `at` in shape `from` (equal row-major order). */
void reshape_index(dim_table *t, const tensor_type *from, const tensor_type *to, const dim *at, dim *out);
/* Numbers the shortest runs of axes with equal products, in order: *_run[axis] is the number of its run. Returns how
 * many there are. */
uint32_t reshape_runs(dim_table *t, const tensor_type *from, const tensor_type *to, uint8_t *from_run, uint8_t *to_run);

/* Index into an operand of type x from the index of the result that it is broadcast to. */
void broadcast_index(const graph *g, const tensor_type *x, const tensor_type *result, const dim *at, dim *out);
/* Index of operand i (0, 1) of contract n when its labels run over axes: the result's labels in order, then the summed
 * labels in the order in which the left operand has them. */
void contract_operand_index(const node *n, uint32_t i, const dim *axes, dim *out);

#endif
