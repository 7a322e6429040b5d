/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Kernels in the model's words: "matmul + add + gelu", not what decompose made of it. */
#ifndef FRIT_PASSES_TITLES_H
#define FRIT_PASSES_TITLES_H

#include "base/map.h"
#include "passes/fuse/fuse.h"

/* The operators of a graph by the place in the model that they come from. */
typedef struct titles {
    arena *a;
    const graph *named; /* NULL: core operators stand for themselves */
    map first;          /* place -> its first node in `named` */
    uint32_t *next;     /* node of `named` -> the next one of the same place + 1, 0 none */
} titles;
titles titles_of(arena *a, const graph *named);
/* The model's operator that core node n of g comes from. */
const char *titles_operator(const titles *t, const graph *g, const node *n);
/* "3 x (matmul + add) (node_linear_2)": the group's operators in order, runs counted, and the last one's place. */
const char *titles_text(const titles *t, const graph *g, const group *gr);

#endif
