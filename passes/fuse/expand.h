/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The expander: the scalar expression of any value at any index, through views, guards and free nodes. Trees ask it for
 * what they compute; it collects the kernel's parameters on the way. */
#ifndef FRIT_PASSES_EXPAND_H
#define FRIT_PASSES_EXPAND_H

#include "base/map.h"
#include "ir/kernel/kernel.h"
#include "passes/fuse/fuse.h"

typedef struct expander {
    cx *c;
    fusion *f;                      /* that the group is of */
    kernel *k;                      /* that is written */
    uint32_t group;                 /* group being built */
    map buffers;                    /* stored value -> parameter buffer */
    VEC(value_id) params;           /* parameter, in order -> stored value, VALUE_NONE for a packed constant */
    VEC(const const_data *) packed; /* parameter, in order -> packed constant, NULL for a stored value */
    map memo;                       /* (value, index, guard) -> kx */
    /* Called for members of the group at hand that have their own definition or place; returns 0 to expand inline. */
    kx (*resolve)(struct expander *e, value_id v, const dim *at, kx guard);
    /* Called for stored values that the tree may read in a form of its own; returns 0 to load them as they are. */
    kx (*load)(struct expander *e, value_id v, const dim *at, kx guard);
    void *data; /* for both */
} expander;

/* v is computed by the group at hand, so that its expression is wanted even when it is stored. */
bool expander_owns(const expander *e, value_id v);
void expander_init(expander *e, cx *c, fusion *f, kernel *k, uint32_t group);
/* The value of v at index at (graph_type(v)->rank dims), valid where guard (0: always) holds. Errors: FRIT_UNSUPPORTED.
 */
frit_status expand(expander *e, value_id v, const dim *at, kx guard, kx *out);
/* Operand i of the elementwise node n at the node's own index at. */
frit_status expand_operand(expander *e, const node *n, uint32_t i, const dim *at, kx guard, kx *out);
/* The parameter buffer of a stored value, added on first use. */
buf_id expander_param(expander *e, value_id v, bool is_written);
/* Stores `x`, the element of v at index at, to where v lives (through the view it is stored as). */
void expander_store(expander *e, klist *l, value_id v, const dim *at, kx x, kx pred);
/* The offset in elements that expander_store writes to. */
dim expander_store_offset(expander *e, value_id v, const dim *at);

/* A parameter that reads a constant made for this kernel. */
buf_id expander_packed(expander *e, const const_data *d, uint32_t rank, const dim *shape);

#endif
