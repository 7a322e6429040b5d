/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The CPU's forms of a ROW group beside the plain one: moments, overlapping rows, windows. */
#ifndef FRIT_PASSES_TREE_ROW_H
#define FRIT_PASSES_TREE_ROW_H

#include "passes/tree/row_parts.h"

enum { ROW_UNROLL = 4 }; /* vectors of a step along a row */

/* ---- tree_row_moments.c */
/* Finds sums with squares about them and puts the squares into the sweeps of the sums; sets r->moments. After the axes. */
frit_status row_find_moments(row_cx *r);
/* Lets r->axes run over block and column; has_moments: there are sweeps in blocks. */
void row_enter_block(row_cx *r);
/* Before and behind the lane loop over a block of the sweep at hand. */
void row_open_block(row_cx *r, klist *l);
frit_status row_close_block(row_cx *r, klist *l);

/* ---- tree_row_pipe.c */
/* Whether the rows should overlap: and then the tree in which they do. */
bool row_wants_pipe(const row_cx *r);
frit_status row_pipe_tree(row_cx *r);

/* ---- tree_row_window.c */
/* Whether reduced windows are worth a block of outputs at a time: and then that tree. */
bool row_wants_window(const row_cx *r);
frit_status row_window_tree(row_cx *r);

#endif
