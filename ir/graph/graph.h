/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Graph IR: static single assignment over tensors.
 *
 *   graph ── dims            symbols and shape expressions
 *         ── values[]        one tensor type each; produced by a node or a region parameter
 *         ── nodes[]         operator, operands, attributes, regions, source location
 *         ── body            the top region: parameters are the inputs, results are outputs then state outputs
 *
 * Nodes are pure. graph_add infers the result types, and interns: an equal node (operator, operands, attributes, no
 * region) of the same region or one around it is returned instead of added, so common subexpressions never exist.
 * Passes do not edit: they build a new graph from an old one (graph_rewriter), so dead nodes vanish by themselves. */
#ifndef FRIT_IR_GRAPH_H
#define FRIT_IR_GRAPH_H

#include "ir/op/ops.h"

typedef uint32_t value_id;
typedef uint32_t node_id;
typedef uint32_t loc_id;
typedef uint32_t region_id;
#define VALUE_NONE  UINT32_MAX
#define NODE_NONE   UINT32_MAX
#define REGION_NONE UINT32_MAX

/* Type of a tensor. */
typedef struct tensor_type {
    dtype dt;
    uint32_t rank;    /* 0..MAX_RANK */
    const dim *shape; /* rank dims, in the job arena */
} tensor_type;

typedef struct value {
    tensor_type type;
    node_id def;      /* NODE_NONE for a region parameter */
    uint32_t index;   /* result index of def, or parameter index */
    region_id region; /* region that the value belongs to */
    const char *name; /* the model's name for it, NULL when none */
} value;

typedef struct node {
    op_code op;
    loc_id loc;
    region_id region;
    uint32_t n_in, n_out, n_regions;
    const value_id *in;       /* n_in operands; VALUE_NONE is not allowed */
    value_id out;             /* first result; results have consecutive ids */
    const void *attrs;        /* struct attr_<...> of the op */
    const region_id *regions; /* if: then, else; while, scan_loop: body */
} node;

typedef struct region {
    region_id parent; /* REGION_NONE for the body */
    VEC(value_id) params;
    VEC(node_id) nodes; /* in order; operands come before users */
    VEC(value_id) results;
} region;

/* An input, output or state of the program, in ABI order. */
typedef struct port {
    const char *name; /* the model's name, unique among inputs and among outputs */
    tensor_type type;
    bool is_host;   /* a small integer input read on the host, whose elements are SYM_HOST_ELEM symbols */
    uint32_t state; /* index of the state it belongs to, UINT32_MAX for plain inputs and outputs */
} port;

/* What every call must satisfy beyond symbol ranges, or every run of a region; text names what broke, for the user. */
typedef enum contract_kind {
    CK_AT_MOST,    /* lhs <= rhs */
    CK_EQUAL,      /* lhs == rhs */
    CK_BROADCASTS, /* lhs == rhs, or one of them is 1 */
    CK_EXPANDS,    /* lhs == rhs, or lhs is 1 */
    CK_ASSUMED,    /* lhs == rhs; no requirement but the case that the graph is for (see graph.is_case) */
} contract_kind;
enum { N_CONTRACT_KINDS = CK_ASSUMED + 1 };
typedef struct contract {
    dim lhs, rhs;
    contract_kind kind;
    const char *text;
    region_id region; /* whose runs it holds for; 0: every call */
} contract;

typedef struct graph {
    arena *a;
    const char *name; /* function name, an identifier */
    dim_table *dims;
    VEC(value) values;
    VEC(node) nodes;
    VEC(region) regions; /* regions.at[0] is the body */
    VEC(port) inputs;    /* parallel to the body's params */
    VEC(port) outputs;   /* parallel to the body's results */
    VEC(contract) contracts;
    VEC(const char *) locs; /* loc_id -> text; 0 is "" */
    map interned;           /* node key -> node id */
    map loc_ids;
    region_id at; /* region that graph_add appends to */
    /* A graph for the calls in which sizes that broadcast are equal (passes/plan/cases.h): inference assumes that they
     * are and notes it (CK_ASSUMED). Its contracts bind only these calls, so they narrow no range of a symbol. */
    bool is_case;
} graph;

/* graph.c (shorthands: graph_short.c): building. All fail with FRIT_TYPE or FRIT_SHAPE and a message that names the
 * operator and the dims. */
graph *graph_new(arena *a, const char *name, dim_table *dims);
value_id graph_input(graph *g, const char *name, dtype dt, uint32_t rank, const dim *shape);
void graph_output(graph *g, const char *name, value_id v);
loc_id graph_loc(graph *g, const char *text);
/* Adds (or finds) a node. attrs is copied (NULL: the defaults); loc names the source. *out_first is the first result.
 */
frit_status graph_add(cx *c, graph *g, op_code op, loc_id loc, uint32_t n_in, const value_id *in, const void *attrs,
                      value_id *out_first);
/* Regions: begin opens a region inside the current one with parameters of the given types; end closes it with results.
 */
region_id graph_region_begin(graph *g, uint32_t n_params, const tensor_type *types);
void graph_region_end(graph *g, uint32_t n_results, const value_id *results);
frit_status graph_add_region_node(cx *c, graph *g, op_code op, loc_id loc, uint32_t n_in, const value_id *in,
                                  const void *attrs, uint32_t n_regions, const region_id *regions, value_id *out_first);
/* Records what a run of the region at hand (0: a call) must satisfy; nothing when proven, FRIT_SHAPE when never true.
 */
frit_status graph_require(cx *c, graph *g, dim lhs, dim rhs, contract_kind kind, const char *text);

/* Records it even when it is proven (a parser's verbatim text); once, when it holds for a region around it already.
 * Tightens the range of a symbol when it holds for every call. */
void graph_add_contract(graph *g, const contract *k);
/* Whether a contract of that kind holds for the values of its sides. */
bool contract_holds(contract_kind kind, int64_t lhs, int64_t rhs);
/* Whether k holds for the symbols' values. Errors: FRIT_SHAPE with the contract's text and both sides. */
frit_status contract_check(cx *c, const dim_table *t, const contract *k, const int64_t *syms);
/* Whether a symbol has to be counted before k can be checked; else a call's inputs decide. */
bool contract_is_counted(const graph *g, const contract *k);
bool contract_mentions(const graph *g, const contract *k, sym_id s);
/* Whether the if n gives symbol s its value; out_extents, which may be NULL: what it is by the one branch and the
 * other. */
bool if_counts(const graph *g, const node *n, sym_id s, dim out_extents[2]);
/* The node that gives symbol s, which the program counts, its value; NODE_NONE when there is none. */
node_id graph_counter(const graph *g, sym_id s);
/* Whether region r is `outer` or stands inside of it. */
bool graph_is_within(const graph *g, region_id r, region_id outer);

static inline const value *graph_value(const graph *g, value_id v) { return &g->values.at[v]; }
static inline const tensor_type *graph_type(const graph *g, value_id v) { return &g->values.at[v].type; }
static inline const node *graph_node(const graph *g, node_id n) { return &g->nodes.at[n]; }
/* The defining node of v, NULL for a region parameter. */
const node *graph_def(const graph *g, value_id v);
/* The const payload behind v, NULL when v is not a const node. */
const const_data *graph_const(const graph *g, value_id v);
dim graph_n_elements(graph *g, value_id v);
bool graph_is_empty(const graph *g, value_id v); /* provably without elements */
/* Side array: number of uses of each value (outputs and region results count). In a. */
uint32_t *graph_count_uses(arena *a, const graph *g);

/* Shorthands over graph_add that decompositions and readers use; results through out, status returned. */
frit_status graph_unary(cx *c, graph *g, op_code op, loc_id loc, value_id x, value_id *out);
frit_status graph_binary(cx *c, graph *g, op_code op, loc_id loc, value_id x, value_id y, value_id *out);
frit_status graph_splat(cx *c, graph *g, dtype dt, double x, value_id *out); /* rank-0 const */
frit_status graph_const_bytes(cx *c, graph *g, const const_data *data, value_id *out);
frit_status graph_const_i64(cx *c, graph *g, uint32_t n, const int64_t *v, value_id *out); /* 1-D */
frit_status graph_cast(cx *c, graph *g, loc_id loc, value_id x, dtype to, value_id *out);  /* x itself when equal */
frit_status graph_reshape(cx *c, graph *g, loc_id loc, value_id x, uint32_t rank, const dim *shape, value_id *out);
frit_status graph_transpose(cx *c, graph *g, loc_id loc, value_id x, const int64_t *perm, value_id *out);
frit_status graph_broadcast(cx *c, graph *g, loc_id loc, value_id x, uint32_t rank, const dim *shape, value_id *out);
frit_status graph_reduce(cx *c, graph *g, loc_id loc, reduce_kind kind, value_id x, uint32_t n_axes,
                         const int64_t *axes, value_id *out); /* axes may be negative; removed */

/* infer.c: result types. Elementwise operators broadcast their operands numpy-wise by themselves. Of two sizes that are
 * not provably equal, neither provably 1, each may be 1 when the program runs: the result's extent is dim_broadcast of
 * them, and that they do broadcast is graph_require'd. */
typedef struct infer_args {
    graph *g;
    op_code op;
    uint32_t n_in;
    const value_id *in;
    void *attrs; /* the node's own copy: negative axes, absent strides and the like are normalised in it */
    uint32_t n_regions;
    const region_id *regions;
    loc_id loc;
} infer_args;
/* Fills out_types[0..*out_n). Capacity: 64, or the number of region results. */
frit_status graph_infer(cx *c, const infer_args *a, tensor_type *out_types, uint32_t *out_n);

/* How an operand's extent fits the extent of the result that it is broadcast to. */
typedef enum axis_fit {
    FIT_SAME,  /* equal */
    FIT_ONE,   /* 1: element 0 is read everywhere */
    FIT_EITHER /* equal or 1, which the call decides */
} axis_fit;
axis_fit graph_axis_fit(const graph *g, dim extent, dim result);
/* Index into an operand's axis of extent `extent` for index `at` of the result's axis. */
dim graph_axis_index(const graph *g, dim extent, dim result, dim at);
/* Whether sizes x and y may be taken for equal in a graph that is a case: nothing shows that they are not, and they are
 * known before the program runs. */
bool graph_may_assume_equal(const graph *g, dim x, dim y);

/* rewrite.c: the one way a pass changes a graph: visit nodes in order, emit into a new graph that shares the dim table.
 */
typedef struct graph_rewriter {
    cx *c;
    const graph *from;
    graph *to;
    value_id *map;                 /* old value -> new value, VALUE_NONE when not yet built */
    void *data;                    /* the pass's own state */
    const struct rewrite_job *job; /* rewrite.c's own */
} graph_rewriter;
/* Called for each old node (after its operands were mapped). Sets map[] of all results and *out_done = true, or leaves
 * *out_done false to have the node copied unchanged. */
typedef frit_status rewrite_fn(graph_rewriter *r, const node *n, bool *out_done);
/* n's operands in the new graph, in scratch. */
value_id *graph_rewrite_operands(graph_rewriter *r, const node *n);
/* Writes the nodes of an old region, each through the pass's function, where the rewriter stands, and demands there
 * what the region demanded: params (values of the new graph) in place of its parameters. May be called repeatedly for
 * one region. */
frit_status graph_rewrite_inline(graph_rewriter *r, region_id id, const value_id *params, value_id *out_results);
frit_status graph_rewrite(cx *c, const graph *from, rewrite_fn *fn, void *data, graph **out);
/* The same nodes with other dims in all types and attributes, inferred again. A case of a graph is for the calls in which
 * map gives each dim its own value. Errors: FRIT_SHAPE when no call can be one. */
typedef struct dim_mapping {
    dim (*map)(void *data, dim d);
    void *data;
    bool is_case; /* the result is a case; else a graph for all calls */
} dim_mapping;
frit_status graph_map_dims(cx *c, const graph *from, const dim_mapping *dims, graph **out);
/* A copy without dead nodes: the last step of a pass that leaves some behind. */
frit_status graph_sweep(cx *c, const graph *from, graph **out);

/* graph_text.c, graph_parse.c: the .fir form. print then parse is the identity. See docs/IR.md for the grammar. */
void graph_print(strbuf *b, const graph *g);
/* The names by which graph_print calls g's values, by value, and one node in its form without its regions, for other
 * texts about g. */
const char *const *graph_print_names(arena *a, const graph *g);
void graph_print_node(strbuf *b, const graph *g, const char *const *names, const node *n);
frit_status graph_parse(cx *c, const char *where, const char *text, graph **out);

/* graph_plain.c: the same program without source locations, files of weights and dead nodes, so that equal programs
 * print equally. In c->job; shares the dim table. */
frit_status graph_plain(cx *c, const graph *g, graph **out);

/* graph_verify.c: every invariant of the list at the top of that file; message names the node. */
frit_status graph_verify(cx *c, const graph *g);

#endif
