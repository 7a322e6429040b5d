/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* CUDA's trees, each of which writes the loop tree of one kernel, e->k, for the group e->group. */
#ifndef FRIT_PASSES_TREES_CUDA_H
#define FRIT_PASSES_TREES_CUDA_H

#include "passes/tree/contract_parts.h"

frit_status tree_map_cuda(expander *e, const target *t);
frit_status tree_row_cuda(expander *e, const target *t);
frit_status tree_attend_cuda(expander *e, const target *t);
/* Of a contraction that has been analysed and has a matrix form. */
frit_status contract_thread_tree(contract_cx *x);

#endif
