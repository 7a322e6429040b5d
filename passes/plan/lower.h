/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Core graph -> kernels -> plan.
 *
 *   lower.c          fuses, builds a kernel for each group, writes the plan in the order of the groups
 *   lower_regions.c  steps of branches and loops
 *   plan_passes.h    copies of what a GPU's kernels cannot use where it lies, states, arena slots
 *   cases.h          a second plan for the calls in which sizes are equal */
#ifndef FRIT_PASSES_LOWER_H
#define FRIT_PASSES_LOWER_H

#include "ir/plan/plan.h"
#include "passes/fuse/fuse.h"
#include "passes/tree/tree.h"

/* What fusion has to know of the kernels that are made so. */
fuse_options lower_fuse_options(const lower_options *o);
frit_status lower_graph(cx *c, graph *g, const lower_options *o, plan **out);

#endif
