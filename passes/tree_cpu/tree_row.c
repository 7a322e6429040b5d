/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The CPU's loop tree of a ROW group: rows along the vectors, or columns of them side by side (tree/row_parts.c); or one
 * of the forms that hide memory behind arithmetic. */
#include "passes/tree_cpu/tree_row.h"
#include "passes/tree_cpu/trees_cpu.h"

enum { COLUMN_BLOCK = 64, MOST_PLACED = 65536 };

frit_status tree_row(expander *e, const target *t) {
    const uint32_t vector = t->vector_bytes / 4;
    const row_form form = {.along_row = {KL_VEC, vector, ROW_UNROLL},
                           .along_column = {KL_VEC, vector, 1},
                           .row_lanes = ROW_UNROLL * vector,
                           .column_block = COLUMN_BLOCK,
                           .most_placed = MOST_PLACED,
                           .prefers_kept = true,
                           .schedule = {.unroll = ROW_UNROLL}};
    row_cx r;
    TRY(row_begin(&r, e, t, &form));
    TRY(row_find_moments(&r));
    row_place_maps(&r);
    if (row_wants_pipe(&r)) return row_pipe_tree(&r);
    return row_wants_window(&r) ? row_window_tree(&r) : row_plain_tree(&r);
}
