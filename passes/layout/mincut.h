/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Minimum cut between two terminals of a small directed graph: which vertices stay on the source's side. */
#ifndef FRIT_PASSES_MINCUT_H
#define FRIT_PASSES_MINCUT_H

#include <stdbool.h>

#include "base/arena.h"

enum { CUT_SOURCE, CUT_SINK, CUT_FIRST_FREE };
#define CUT_NEVER (INT64_MAX / 4) /* capacity of an edge that no cut takes */

typedef struct cut_edge {
    uint32_t to, next; /* next edge of the same vertex, UINT32_MAX ends */
    int64_t left;      /* residual capacity; edge i ^ 1 is its reverse */
} cut_edge;

typedef struct cut_graph {
    arena *a;
    VEC(uint32_t) first; /* vertex -> first edge */
    VEC(cut_edge) edges;
} cut_graph;

void cut_init(cut_graph *g, arena *a); /* with both terminals */
uint32_t cut_vertex(cut_graph *g);
/* Costs capacity (>= 0) when `from` ends up on the source's side and `to` on the sink's. */
void cut_edge_add(cut_graph *g, uint32_t from, uint32_t to, int64_t capacity);
/* vertex -> whether it is on the sink's side of a cheapest cut; of several, the one with fewest there. */
const bool *cut_solve(cut_graph *g);

#endif
