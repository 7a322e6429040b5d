/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inside of fusion: what fuse.c, fuse_cost.c and fuse_store.c share. Nothing else includes this. */
#ifndef FRIT_PASSES_FUSE_IMPL_H
#define FRIT_PASSES_FUSE_IMPL_H

#include "passes/fuse/fuse.h"

/* Fusion at work. */
typedef struct fuse_cx {
    cx *c;
    fusion *f; /* the result */
    graph *g;  /* f's */
    const fuse_options *o;
    value_id *reference; /* group -> value whose index is the domain's axes without being a member; VALUE_NONE none */
    uint32_t *stamp;     /* group -> last search that saw it */
    uint32_t search;     /* number of the search at hand */
    uint32_t *cost;      /* group -> scalar work of one element, prologues included */
    VEC(uint32_t) work;  /* groups that the search has still to look at */
} fuse_cx;

/* Who reads a value. */
typedef struct use_list {
    VEC(uint32_t) nodes;    /* readers, and beside each ... */
    VEC(uint32_t) operands; /* ... which of its operands the value is */
    bool is_result;         /* of a region: outputs */
} use_list;

/* How a group's values are read from outside of it, plain views looked through. */
typedef struct uses_of {
    uint32_t n_groups; /* distinct user groups */
    uint32_t only;     /* the user when there is one */
    bool as_operand;   /* of a contract or attend (its data operands, not a mask) */
    bool elsewhere;    /* as anything but a mask of an attend */
    bool in_memory;    /* a stage, the caller or a view that must exist */
    bool grows;        /* some user evaluates it at more points than it has elements */
    bool of_constants; /* all of it is computed from constants: weights, dequantised; a product packs what it reads */
} uses_of;

/* The group that computes v, GROUP_NONE when none does. */
static inline uint32_t fuse_group_of(const fusion *f, value_id v) {
    node_id n = graph_value(f->g, v)->def;
    return n == NODE_NONE ? GROUP_NONE : f->group_of[n];
}

static inline bool fuse_is_full(const group *gr) { return gr->nodes.n >= GROUP_MOST_NODES; }

static inline bool same_shape(const graph *g, const tensor_type *a, const tensor_type *b) {
    if (a->rank != b->rank) return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (!dim_equal(g->dims, a->shape[i], b->shape[i])) return false;
    return true;
}

/* ---- fuse_cost.c */
/* Nodes that move elements without computing, and are members of groups: concat, pad, window, gathers. */
bool fuse_is_movement(op_code op);
/* value -> its users */
use_list *fuse_list_uses(const fuse_cx *x);
/* Adds to *out the uses of v, and of the plain views of v, outside of group `from`. */
void fuse_collect_uses(fuse_cx *x, const use_list *users, value_id v, uint32_t from, uses_of *out);
/* Whether a contraction reads v through windows that overlap: then it reads every element many times, in place if it is
 * in memory as it is. in_window: v is such a window already. */
bool fuse_feeds_windows(const fuse_cx *x, const use_list *users, value_id v, bool in_window);
/* Sets the group's outputs, the members read outside of it, in order; *out: the uses of all of them together. */
void fuse_outputs(fuse_cx *x, const use_list *users, uint32_t id, uses_of *out);
/* MAP groups that their users had better compute themselves dissolve. */
void fuse_dissolve(fuse_cx *x, const use_list *users);

/* ---- fuse_store.c */
/* Bytes that a group widens again for others are what it stores: the widening becomes free, for each user to expand. */
void fuse_free_widenings(fuse_cx *x, const use_list *users);
/* What is stored, and through which view. */
void fuse_store(fuse_cx *x, const use_list *users);

#endif
