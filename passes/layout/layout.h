/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the layout pass share. Every value has its graph order; an image-like one has another form too, in
 * which a set of its axes (the channels) stands last, the order within the set and outside it unchanged. */
#ifndef FRIT_PASSES_LAYOUT_H
#define FRIT_PASSES_LAYOUT_H

#include "ir/graph/graph.h"

typedef struct layout {
    cx *c;
    const graph *g;
    uint32_t *channels; /* value -> bits of the axes that stand last in its other form; 0: it has none */
    bool *is_last;      /* node -> computes its results in the other form */
    bool has_any;       /* some value has another form that is not the same bytes */
} layout;

/* ---- layout_axes.c: which axes are channels */
/* Fills in channels, from the contractions with constants outwards. Clears has_any where all is in order already. */
void layout_find_channels(layout *l);
/* The set that operand i of n has to have for n's result to have the set `result`; false when there is none. */
bool layout_operand_channels(const layout *l, const node *n, uint32_t i, uint32_t result, uint32_t *out);
/* order[j]: the axis of a tensor of that rank that stands at place j when the set stands last. */
void layout_order(uint32_t rank, uint32_t channels, uint32_t *order);
/* Whether both forms of t are the same bytes: only axes of extent 1 change places. */
bool layout_is_same(const graph *g, const tensor_type *t, uint32_t channels);

/* ---- layout_heads.c */
/* A copy of g in which products of flattened images with weights read the images as they are. */
frit_status layout_split_heads(cx *c, const graph *g, graph **out);

/* ---- layout_cost.c: which form every node computes in */
/* Fills in is_last: the labelling of least cost, by a minimum cut. */
void layout_choose(layout *l);

#endif
