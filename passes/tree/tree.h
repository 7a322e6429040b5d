/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Trees that all targets share: each writes the loop tree of one kernel, e->k, for the group e->group. */
#ifndef FRIT_PASSES_TREE_H
#define FRIT_PASSES_TREE_H

#include "base/target.h"
#include "passes/fuse/expand.h"

frit_status tree_stage(expander *e, const target *t);
/* With e->k->gemm set. Not done: no library can compute the contraction, and e->k is as it was. */
frit_status tree_library(expander *e, const target *t, bool *out_done);

#endif
