/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the loop trees of a MAP group share on every target: the expressions of its outputs and its axes. */
#ifndef FRIT_PASSES_MAP_PARTS_H
#define FRIT_PASSES_MAP_PARTS_H

#include "passes/tree/axes.h"
#include "passes/tree/tree.h"

typedef struct map_output {
    value_id v;
    kx x; /* its element at the domain's index */
} map_output;

typedef struct map_cx {
    expander *e;
    axis_map axes; /* of the domain, merged */
    uint32_t n_outs;
    map_output *outs;
} map_cx;

/* Sets m up for the group at hand. is_flat: all axes become one, whatever that makes of the offsets. */
frit_status map_begin(map_cx *m, expander *e, bool is_flat);
/* Appends the stores of all outputs, at the element that m's axes are at. */
void map_store(const map_cx *m, klist *body);
/* Lets the innermost run stand for `whole`, an expression over other axes. */
void map_replace_inner(map_cx *m, dim whole);

#endif
