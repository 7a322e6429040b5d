/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* CUDA's loop tree of a ROW group: a block of threads for each row, or a thread for each column (tree/row_parts.c). */
#include "passes/tree/row_parts.h"
#include "passes/tree_cuda/trees_cuda.h"

enum { THREADS = 256, MOST_PLACED = 8192 };

frit_status tree_row_cuda(expander *e, const target *t) {
    static const row_form form = {.along_row = {KL_THREAD, THREADS, 0},
                                  .along_column = {KL_THREAD, THREADS, 0},
                                  .row_lanes = THREADS,
                                  .column_block = THREADS,
                                  .most_placed = MOST_PLACED,
                                  .schedule = {.is_cuda = true, .threads = THREADS}};
    row_cx r;
    TRY(row_begin(&r, e, t, &form));
    row_place_maps(&r);
    return row_plain_tree(&r);
}
