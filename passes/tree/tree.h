/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The trees: each writes the loop tree of one kernel, e->k, for the group e->group. */
#ifndef FRIT_PASSES_TREE_H
#define FRIT_PASSES_TREE_H

#include "base/target.h"
#include "passes/fuse/expand.h"

/* What kernels are made for. */
typedef struct lower_options {
    const target *t;
    bool is_checked;
    bool calls_openblas;   /* products of f32 and f64 with a matrix form are calls of OpenBLAS; CPU only */
    bool has_direct_convs; /* no convolution by transforms */
    uint32_t first_kernel; /* the number that kernels' names begin with */
} lower_options;

frit_status tree_map(expander *e, const lower_options *o);
frit_status tree_row(expander *e, const lower_options *o);
frit_status tree_contract(expander *e, const lower_options *o); /* as a row kernel when it has no matrix form */
frit_status tree_attend(expander *e, const lower_options *o);
frit_status tree_stage(expander *e, const lower_options *o);
/* With e->k->gemm set; as tree_contract where no library can compute it. */
frit_status tree_library(expander *e, const lower_options *o);

#endif
