/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which tree writes a group's kernel: by the group's kind, the target, and for contractions by what the trees find. */
#ifndef FRIT_PASSES_CHOOSE_TREE_H
#define FRIT_PASSES_CHOOSE_TREE_H

#include "passes/fuse/expand.h"
#include "passes/plan/lower.h"

/* Builds e->k completely, for the group e->group. */
frit_status choose_tree(expander *e, const lower_options *o);

#endif
