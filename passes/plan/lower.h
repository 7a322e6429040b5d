/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Core graph -> kernels -> plan.
 *
 *   fuse.c      which nodes share a kernel (groups), which values live in memory (materialised), which are free
 *   fuse_regions.c  what stands around regions: captured values, turns, memory of what is carried
 *   fuse_notes.c  why fusion stopped, in words
 *   fuse_text.c   groups as text
 *   expand.c    the scalar expression of any value at any index, through views, guards and free nodes
 *   tree_*.c    one kernel per group: definitions, schedule, loop tree (tree_library.c: a call of a library)
 *   pack.c      constant operands rewritten into the form that their kernel streams
 *   plan_device.c    copies of what a GPU's kernels cannot use where it lies
 *   plan_states.c    copies where a state cannot be updated in place
 *   plan_memory.c    arena slots
 *   lower.c     walks the groups in order and writes the plan
 *   lower_regions.c  steps of branches and loops */
#ifndef FRIT_PASSES_LOWER_H
#define FRIT_PASSES_LOWER_H

#include "base/target.h"
#include "ir/plan/plan.h"

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
    region_id region;   /* that its steps stand in */
    node_id anchor;     /* the contract, attend or stage node; the first reduce; the first node of a MAP */
    VEC(node_id) nodes; /* members in topological order */
    uint32_t rank;
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
    uint32_t writer, reader;
    const char *why;
} fusion_stop;

/* What a parameter of a region stands for when it has no memory of its own. */
typedef enum alias_kind {
    ALIAS_NONE,  /* it has: a value carried from turn to turn */
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
    arena *a;
    VEC(group) groups;
    uint32_t *group_of;     /* node -> group, GROUP_NONE for free nodes */
    const dim **index;      /* value -> index (rank entries) at which its group computes it, NULL for none */
    const dim **in_index;   /* reduce node -> index at which it reads its operand, NULL for other nodes */
    bool *is_stored;        /* value -> lives in memory (input, dense constant, or an output of its group) */
    value_id *stored_as;    /* value -> the bijective view of it that is stored in its place (itself mostly) */
    VEC(fusion_stop) stops; /* fuse_notes */
    /* fuse_regions.c */
    value_list *also_needs;     /* node -> values that it waits for beside its operands: what its regions read, and who
                                   counts the symbols that it mentions */
    node_id *owner;             /* region -> the node that holds it, NODE_NONE for the body */
    value_alias *alias;         /* value -> what a parameter of a region stands for */
    value_id *carried;          /* value -> the loop's result that shares a carried parameter's memory, VALUE_NONE */
    placement_list *placements; /* value -> where else it is written */
    uint32_t *copied_by;        /* value -> the MAP group that only copies it to memory, GROUP_NONE */
    dim *turn;                  /* node -> the symbol of a loop's turns */
} fusion;

/* What kernels are made for. */
typedef struct lower_options {
    const target *t;
    bool is_checked;
    bool calls_openblas;   /* products of f32 and f64 with a matrix form are calls of OpenBLAS; CPU only */
    bool has_direct_convs; /* no convolution by transforms */
    uint32_t first_kernel; /* the number that kernels' names begin with */
} lower_options;

/* Groups the nodes of g. Guarantees: no cycle between groups; every use of a stored value outside its group reads
 * memory. */
frit_status fuse_graph(cx *c, graph *g, const lower_options *o, fusion **out);
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
/* v traced through bijective or slicing views to the value that they look at. */
value_id fuse_base(const graph *g, value_id v);
/* Whether region `inner` is `outer` or inside it. */
/* fuse_regions.c: whether v is what a loop collects from its turns, rather than what it carries. */
bool fuse_is_collected(const graph *g, value_id v);
/* The side tables of regions, before any node is placed. */
frit_status fuse_regions(cx *c, fusion *f);
bool fuse_is_free(const node *n); /* a node that belongs to no kernel: every user expands it */
/* The MAP group that copies v to memory, when nothing else keeps it there. */
void fuse_want_memory(fusion *f, value_id v);
/* After storing: copies of region operands and results that have no memory, and places of what loops collect. */
frit_status fuse_region_memory(cx *c, fusion *f);

/* ---- expand.c */
/* Index of x that element out_index of the view node n looks at; guard (when non-NULL) receives the condition under
 * which it exists (0 always). Only VIEW nodes with one data operand. */
void view_index(kernel *k, const graph *g, const node *n, const dim *out_index, dim *in_index, kx *guard);
/* The index in shape `to` of the element that has index `at` in shape `from` (equal row-major order). */
/* Index into an operand of shape x from the index of the result that it is broadcast to. */
void broadcast_index(const graph *g, const tensor_type *x, const tensor_type *result, const dim *at, dim *out);
void reshape_index(dim_table *t, const tensor_type *from, const tensor_type *to, const dim *at, dim *out);
/* Numbers the shortest runs of axes with equal products, in order: *_group[axis] is the number of its run. Returns how
 * many there are. */
uint32_t reshape_groups(dim_table *t, const tensor_type *from, const tensor_type *to, uint8_t *from_group,
                        uint8_t *to_group);

typedef struct expander {
    cx *c;
    fusion *f;
    kernel *k;
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

/* Makes the parameter b, where it is a dense constant, read a copy whose axis `along` is innermost: by its strides,
 * with the same indices. Nothing for a constant that is so already. */
frit_status expander_turn_constant(expander *e, buf_id b, uint32_t along);
/* A parameter that reads a constant made for this kernel. */
buf_id expander_packed(expander *e, const const_data *d, uint32_t rank, const dim *shape);

/* ---- axes.c: loops over fewer, longer axes. */
/* Axes that one loop each will run over: runs of the domain's axes merged where every access stays linear. */
typedef struct axis_run {
    dim axis; /* the merged axis symbol */
    dim extent;
    uint32_t tag; /* axes with different tags never merge */
} axis_run;
typedef struct axis_map {
    kernel *k;
    uint32_t n;
    axis_run runs[2 * MAX_RANK]; /* outermost first; extents of 1 are dropped */
    uint32_t n_syms;
    sym_id syms[2 * MAX_RANK]; /* the domain's axis symbols and what stands for them */
    dim by[2 * MAX_RANK];
} axis_map;
typedef struct dim_set {
    VEC(dim) dims;
    map seen;
} dim_set;
void axis_map_init(axis_map *m, kernel *k);
void axis_map_add(axis_map *m, const char *name, dim axis, uint32_t tag); /* one axis symbol of the domain, in order */
/* Merges neighbours of equal tag where all dims of accesses (of the unmapped axes) stay linear; always when the tag's
 * bit is set in force. */
void axis_map_merge(axis_map *m, const dim_set *accesses, uint32_t force);
dim axis_map_dim(const axis_map *m, dim d);
kx axis_map_kx(const axis_map *m, kx x);
/* Every index dim that evaluating x computes: buffer offsets, index values, those of loaded indices. */
void access_dims(kernel *k, kx x, dim_set *out);
void access_add(kernel *k, dim d, dim_set *out);
dim axis_extent(kernel *k, dim axis); /* of an axis symbol */
sym_id axis_sym(kernel *k, dim axis);
/* Whether an index loaded from a tensor changes along axis a or b of offset: then offset is linear in neither, though
 * the loaded index looks like a plain symbol. */
bool loaded_follows(kernel *k, dim offset, dim a, dim b);
/* Cuts a range of `extent` values into blocks of `size`: returns block * size + inner over two new axes. */
dim axis_split(kernel *k, dim extent, int64_t size, dim *out_block, dim *out_inner);
/* Loops inside each other, outermost pushed first. */
typedef struct nest {
    kernel *k;
    uint32_t n;
    kstmt *loops[4 * MAX_RANK];
} nest;
/* Nothing for a constant axis: the block axis of a range that is one block. */
void nest_push(nest *s, kloop_kind kind, dim axis, uint32_t lanes, uint32_t unroll);
/* Closes the loops around body and appends them (or the body itself when there are none) to l. */
void nest_close(nest *s, klist body, klist *l);

/* Index of operand i (0, 1) of contract n when its labels run over axes: the result's labels in order, then the summed
 * labels in the order in which the left operand has them. */
void contract_operand_index(const graph *g, const node *n, uint32_t i, const dim *axes, dim *out);
/* ---- pack.c: b[kk, col] of a constant as panels [ceil(cols / panel), n_k, panel], zero-padded; with groups of g steps
 * of k together as [ceil(cols / panel), ceil(n_k / g), panel, g]. src is element base + k_offsets[kk] + col *
 * col_stride of data. */
typedef struct pack_request {
    const const_data *data;
    const int64_t *k_offsets; /* n_k of them: k may be several axes in any order */
    int64_t base, col_stride, n_k, n_cols, panel;
    int64_t k_pack; /* 1: none */
} pack_request;
/* The packed constant, which copies the request; the weights' own bytes have to stay. In a. */
const const_data *pack_panels(arena *a, const pack_request *r);
/* Weights of 3 x 3 windows for Winograd's F(2 x 2, 3 x 3): G g G' of each step of k and column, as [groups of columns]
 * [16 points][panels of a group][n_k][panel], zero-padded. `of` says where tap (0, 0) of each lies. */
typedef struct pack_transformed {
    pack_request of;      /* of f32; n_k steps, panels of `of.panel` columns */
    int64_t tap_steps[2]; /* elements between taps down and across */
    int64_t n_panels, n_groups;
} pack_transformed;
const const_data *pack_winograd(arena *a, const pack_transformed *r);
/* The constant d, dense with whole bytes, with its axis `along` moved to the end. */
const const_data *pack_turned(cx *c, const const_data *d, uint32_t along);

/* ---- trees: all build e->k completely */
frit_status tree_map(expander *e, const lower_options *o);
frit_status tree_row(expander *e, const lower_options *o);
frit_status tree_contract(expander *e, const lower_options *o); /* as a row kernel when it has no matrix form */
frit_status tree_attend(expander *e, const lower_options *o);
frit_status tree_stage(expander *e, const lower_options *o);
/* With e->k->gemm set; as tree_contract where no library can compute it. */
frit_status tree_library(expander *e, const lower_options *o);

/* ---- lower.c */
frit_status lower_graph(cx *c, graph *g, const lower_options *o, plan **out);
/* ---- plan_device.c: copies in the arena of host inputs that steps use as data, and of outputs of elements smaller
 * than a byte, for GPUs. Errors: FRIT_UNSUPPORTED for states that are either. */
frit_status plan_device(cx *c, plan *p);
/* ---- plan_states.c: state outputs that would destroy what is still read get a buffer of their own and a copy at the
 * end.
 */
void plan_states(plan *p);
/* What a step does to a buffer, the steps inside it included. */
typedef struct plan_touches {
    bool reads, writes;
} plan_touches;
plan_touches plan_step_touches(const plan *p, const pstep *s, pbuf_id b);
/* Everything in the list that used `from` uses `to`. */
void plan_rename(plan *p, pstep_list l, pbuf_id from, pbuf_id to);
/* Element by element: the kernel has one store, to `out`, and reads `in` only at the index that it stores to, which is
 * never computed from data. */
bool plan_is_elementwise(const kernel *k, buf_id in, buf_id out);
/* ---- plan_memory.c: assigns arena slots by life; sets slots, scratch. */
frit_status plan_memory(cx *c, plan *p);

#endif
