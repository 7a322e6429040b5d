/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fusion: which nodes of a core graph share a kernel (groups), which values live in memory, which are free.
 *
 *   fuse.c          groups, and what is stored
 *   fuse_cost.c     what is free, what is computed again by its users
 *   fuse_regions.c  what stands around regions: captured values, iterations, memory of what is carried
 *   fuse_notes.c    why fusion stopped, in words
 *   fuse_text.c     groups as text
 *   expand.[ch]     the scalar expression of a value, as the trees ask for it */
#ifndef FRIT_PASSES_FUSE_H
#define FRIT_PASSES_FUSE_H

#include "ir/graph/graph.h"

/* What a kernel is built around. */
typedef enum group_kind {
    GROUP_MAP,      /* elementwise over one domain */
    GROUP_ROW,      /* reductions over some axes of one domain, and maps over the whole or the kept axes */
    GROUP_CONTRACT, /* one contract, or several of one left operand (siblings), with prologue and epilogue maps */
    GROUP_ATTEND,   /* one attend with epilogue maps */
    GROUP_STAGE,    /* scan, top-k, scatter, ...: one node with a loop tree of its own */
    GROUP_LIBRARY,  /* one contract that a library computes between whole tensors */
    GROUP_REGION    /* an if or a loop: no kernel, but steps of the plan around those of its regions' groups */
} group_kind;

/* Nodes of one group: kernels are expanded recursively, and compiling one takes time with the square of its size. */
enum { GROUP_MOST_NODES = 256 };

/* Nodes that share one kernel. The domain's axes are SYM_AXIS symbols; index[] says where in the domain each member's
 * value is computed. */
typedef struct group {
    group_kind kind;
    region_id region;      /* that its steps stand in */
    node_id anchor;        /* the contract, attend or stage node; the first reduce; the first node of a MAP */
    VEC(node_id) nodes;    /* members in topological order */
    uint32_t rank;         /* of the domain */
    const dim *axes;       /* domain axis symbols as dims, outermost first */
    uint64_t reduced;      /* ROW: bit i set when axis i is reduced */
    VEC(value_id) outputs; /* values that other groups or the caller need */
    bool is_dissolved;     /* a MAP whose expression moved into its consumers */
    VEC(node_id) held;     /* members and what is computed along with them, ascending: fuse_notes */
} group;

#define GROUP_NONE UINT32_MAX

/* A value that one group stores and another reads, and why they are two. */
typedef struct fusion_stop {
    value_id value;
    uint32_t writer, reader; /* groups */
    const char *why;         /* a sentence */
} fusion_stop;

/* What a parameter of a region stands for when it has no memory of its own. */
typedef enum alias_kind {
    ALIAS_NONE,  /* it has: a value carried from iteration to iteration */
    ALIAS_VALUE, /* another value */
    ALIAS_SLICE, /* another value at index `at` of its axis `axis` */
    ALIAS_INDEX, /* the number `at` */
    ALIAS_TRUE   /* a loop's condition, seen from inside */
} alias_kind;
typedef struct value_alias {
    alias_kind kind;
    value_id of;
    uint32_t axis;
    dim at;
} value_alias;

/* A value that a loop collects: index `at` of axis `axis` of `whole`, which the loop gives, written by group `by`
 * beside the value itself. */
typedef struct placement {
    value_id whole;
    uint32_t axis;
    dim at;
    uint32_t by;
} placement;
typedef VEC(placement) placement_list;
typedef VEC(value_id) value_list;

typedef struct fusion {
    graph *g;
    arena *a;               /* of all that follows */
    VEC(group) groups;      /* in the order in which they were begun */
    uint32_t *group_of;     /* node -> group, GROUP_NONE for free nodes */
    const dim **index;      /* value -> index (rank entries) at which its group computes it, NULL for none */
    const dim **in_index;   /* reduce node -> index at which it reads its operand, NULL for other nodes */
    bool *is_stored;        /* value -> lives in memory (input, dense constant, or an output of its group) */
    value_id *stored_as;    /* value -> the bijective view of it that is stored in its place (itself mostly) */
    bool is_unfused;        /* no two nodes were to share a group */
    VEC(fusion_stop) stops; /* fuse_notes */
    /* fuse_regions.c */
    value_list *also_needs;     /* node -> values that it waits for beside its operands: what its regions read, and who
                                   counts the symbols that it mentions */
    node_id *owner;             /* region -> the node that holds it, NODE_NONE for the body */
    value_alias *alias;         /* value -> what a parameter of a region stands for */
    value_id *carried;          /* value -> the loop's result that shares a carried parameter's memory, VALUE_NONE */
    placement_list *placements; /* value -> where else it is written */
    uint32_t *copied_by;        /* value -> the MAP group that only copies it to memory, GROUP_NONE */
    dim *iteration;             /* node -> the symbol of a loop's iterations */
} fusion;

/* ---- fuse.c */
/* What fusion has to know of the kernels. */
typedef struct fuse_options {
    bool has_siblings;   /* a kernel can hold several products of one left operand */
    bool calls_openblas; /* products of f32 and f64 with a matrix form are calls of OpenBLAS */
    bool is_unfused;     /* every node that computes has a group of its own */
} fuse_options;

/* Groups the nodes of g. Guarantees: no cycle between groups; every use of a stored value outside its group reads
 * memory. */
frit_status fuse_graph(cx *c, graph *g, const fuse_options *o, fusion **out);
/* The most contracts that one group holds: each has a tile of its own. */
enum { MAX_SIBLINGS = 4 };
/* A product of fewer columns than this has no matrix form. */
enum { MIN_PRODUCT_COLS = 4 };
/* fuse_notes.c: fills in f->stops and what each group holds. */
void fuse_notes(fusion *f);
/* fuse_text.c: the groups of f, after fuse_notes: for each its kind, loops, members, what is computed along with them and
 * what it stores; then, for each tensor between two groups, why they are two. */
void fuse_print(strbuf *b, const fusion *f);
/* What the model calls v: its name, else its operator and node. */
const char *fuse_value_label(const fusion *f, value_id v);
/* fuse_regions.c: whether v is what a loop collects from its iterations, rather than what it carries. */
bool fuse_is_collected(const graph *g, value_id v);
/* The side tables of regions, before any node is placed. */
frit_status fuse_regions(cx *c, fusion *f);
bool fuse_is_free(const node *n); /* a node that belongs to no kernel: every user expands it */
/* The MAP group that copies v to memory, when nothing else keeps it there. */
void fuse_want_memory(fusion *f, value_id v);
/* After storing: copies of region operands and results that have no memory, and places of what loops collect. */
frit_status fuse_region_memory(cx *c, fusion *f);

#endif
