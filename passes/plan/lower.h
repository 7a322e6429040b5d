/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Core graph -> kernels -> plan.
 *
 *   lower.c          fuses, builds a kernel for each group, writes the plan in the order of the groups
 *   lower_regions.c  steps of branches and loops
 *   plan_passes.h    copies of what a GPU's kernels cannot use where it lies, states, arena slots
 *   cases.h          a second plan for the calls in which sizes are equal */
#ifndef FRIT_PASSES_LOWER_H
#define FRIT_PASSES_LOWER_H

#include "base/target.h"
#include "ir/plan/plan.h"
#include "passes/fuse/fuse.h"

/* What kernels are made for. */
typedef struct lower_options {
    const target *t;
    bool calls_openblas;   /* products of f32 and f64 with a matrix form are calls of OpenBLAS; CPU only */
    bool has_direct_convs; /* no convolution by transforms */
    bool is_unfused;       /* every node that computes has a kernel of its own */
    const graph *named;    /* the model before decompose, for the words of titles; NULL: core operators */
    uint32_t first_kernel; /* the number that kernels' names begin with */
} lower_options;

/* What fusion has to know of the kernels that are made so. */
fuse_options lower_fuse_options(const lower_options *o);
frit_status lower_graph(cx *c, graph *g, const lower_options *o, plan **out);

#endif
