/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The CPU's trees, each of which writes the loop tree of one kernel, e->k, for the group e->group. Those of a contraction:
 * tree_contract.h. */
#ifndef FRIT_PASSES_TREES_CPU_H
#define FRIT_PASSES_TREES_CPU_H

#include "passes/tree/tree.h"

frit_status tree_map(expander *e, const target *t);
frit_status tree_row(expander *e, const target *t);
frit_status tree_attend(expander *e, const target *t);

#endif
