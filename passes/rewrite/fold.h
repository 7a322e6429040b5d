/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Constant folding of one node, used by the passes fold and canonicalize. */
#ifndef FRIT_PASSES_FOLD_H
#define FRIT_PASSES_FOLD_H

#include "passes/kit/build.h"

/* The constant that n (a node of b->g with one result) computes, or VALUE_NONE when an operand is not constant or the
 * work is too much for the evaluator. */
value_id fold_node(build *b, const node *n);

#endif
