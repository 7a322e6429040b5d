/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the ONNX reader share: the reader's state, access to a node's attributes and operands, and a
 * builder whose functions may be nested, because a failure is sticky: it is recorded in the cx, VALUE_NONE is returned,
 * and every later call with VALUE_NONE, or after a failure, does nothing. Mapping functions therefore just compute, and
 * the reader looks at the status when they return. */
#ifndef FRIT_FRONTEND_ONNX_READER_H
#define FRIT_FRONTEND_ONNX_READER_H

#include "frontend/onnx/model.h"
#include "frontend/onnx/onnx.h"

/* A sequence exists while reading only: which values it holds is known, so that it leaves no trace in the graph. */
typedef struct sequence {
    uint32_t n;
    const value_id *at;
} sequence;

/* Names of one graph or function body. */
typedef struct scope {
    struct scope *outer; /* visible from inside; NULL at the top and in function bodies */
    map values;          /* name -> value id; VALUE_NONE stands for an operand left out */
    map sequences;       /* name -> index into the reader's sequences */
} scope;

/* What is left of the body of a graph or function: nodes not mapped yet, and the names of its results. */
typedef struct tail {
    uint32_t n, n_results;
    const onnx_node *nodes;
    const char *const *results;
} tail;

/* A function call or the main graph: which attributes and opsets hold. */
typedef struct frame {
    const struct frame *caller;
    const onnx_function *function; /* NULL: the main graph */
    const onnx_node *call;         /* node that called it */
    const onnx_opsets *opsets;
    scope *names;
    tail *rest; /* of the body that is being read */
} frame;

/* What is known of the elements of a small integer tensor (knowledge.c). */
typedef struct known {
    uint8_t state; /* 0 not asked, 1 not known, 2 not known even as host input, 3 known */
    uint32_t n;
    const dim *at;
} known;

typedef struct reader {
    cx *c;
    const char *path;
    const onnx_options *options;
    onnx_model model;
    map functions;  /* key of domain, name and overload -> index */
    map unreadable; /* weights of types that frit lacks: name -> TensorProto.DataType */
    weight_files files;
    graph *g;
    dim_table *dims;
    VEC(const sequence *) sequences;
    VEC(known) facts;            /* by value id */
    VEC(const char *) dim_names; /* symbols of the inputs, as --dim may name them */
    loc_id loc;                  /* of the node being mapped */
    const char *where;           /* its text */
    int depth;                   /* of function calls and subgraphs */
    uint32_t n_splits;           /* ifs so far whose branches were read with all that follows */
    uint32_t n_calls; /* of functions and subgraphs so far: calls that call twice grow without adding a node */
} reader;

typedef struct onnx_row onnx_row;

/* One node being mapped. */
typedef struct call {
    const onnx_node *node;
    const frame *f;
    const onnx_row *row;
    int64_t version; /* of its domain's opset */
    uint32_t n_in, n_out;
    const value_id *in;            /* VALUE_NONE when left out; at least 16 entries, those past n_in VALUE_NONE */
    value_id *out;                 /* to fill in; at least 16 entries */
    const sequence *const *in_seq; /* as in, for operands that are sequences; NULL for all others */
    const sequence **out_seq;
    const onnx_attr **out_mistyped; /* an attribute that was asked for as another type than it has */
} call;

/* Maps one operator: reads n, builds nodes, fills n->out. */
typedef void map_fn(reader *r, call *n);

/* A row of onnx_ops.def. */
struct onnx_row {
    const char *name, *domain;
    int32_t since, until; /* opset versions it holds for */
    op_code op;           /* what a simple row becomes */
    const char *attrs;    /* "onnx=ours:default ..." of a simple row */
    map_fn *map;
};
const onnx_row *onnx_row_find(const char *domain, const char *name, int64_t version);
const char *const *onnx_row_names(arena *a, uint32_t *out_n);

/* reader.c */
bool failed(const reader *r);
void fail_node(reader *r, frit_status code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Maps the nodes of a subgraph inside the current region, its inputs bound to in; fills the values of its outputs. */
void read_subgraph(reader *r, const frame *f, const onnx_graph *g, uint32_t n_in, const value_id *in, value_id *out);
/* What an if that ends a body has to give: the names of the body's results that are not known yet. */
uint32_t tail_results(reader *r, const frame *f, const char **out_names);
/* Maps what follows node n of f's body as far as the body's end where the results of n are `values`; fills in the
 * values of the names. */
void read_tail(reader *r, const call *n, const value_id *values, uint32_t n_names, const char *const *names,
               value_id *out);
/* Nothing follows any more: the names have these values. */
void end_tail(reader *r, call *n, uint32_t n_names, const char *const *names, value_id first);
tensor_type type_of_info(reader *r, const onnx_value_info *info, const char *prefix);

/* call.c: attributes of the node (through function attributes), with defaults. One that has another type than the
 * caller asks for counts as absent, and the reader refuses the node afterwards. */
const onnx_attr *attr_find(const call *n, const char *name);
int64_t attr_int(const call *n, const char *name, int64_t otherwise);
double attr_float(const call *n, const char *name, double otherwise);
const char *attr_text(const call *n, const char *name, const char *otherwise);
bool attr_ints(const call *n, const char *name, int_list *out);
dtype attr_dtype(reader *r, const call *n, const char *name, dtype otherwise);
/* Index of the attribute's text in a NULL-terminated list; fails the node when it is none of them. */
int attr_choice(reader *r, const call *n, const char *name, const char *otherwise, const char *const *choices);
static inline bool has_in(const call *n, uint32_t i) { return n->in[i] != VALUE_NONE; }

/* knowledge.c: elements of small integer tensors as dims, computed through the graph. */
bool known_dims(reader *r, value_id v, bool with_host_inputs, known *out);
value_id simplify(reader *r, value_id v); /* v, or a const or from_dims equal to it */

/* wanted.c. Operands that decide extents (dims), or ranks and axes (constants); failing asks for --const. */
bool want_dims(reader *r, const call *n, uint32_t i, dim_list *out);
bool want_ints(reader *r, const call *n, uint32_t i, int_list *out);
bool want_const(reader *r, const call *n, uint32_t i, const char *what); /* fails: asks for --const */
bool want_floats(reader *r, const call *n, uint32_t i, f64_list *out);
/* The value as a constant tensor, evaluating what it comes from. */
bool known_tensor(reader *r, value_id v, tensor *out);

/* make.c */
const tensor_type *type_of(const reader *r, value_id v);
uint32_t rank_of(const reader *r, value_id v);
dim extent_of(const reader *r, value_id v, int64_t axis); /* axis may be negative */
dtype dtype_of(const reader *r, value_id v);
bool norm_axis(reader *r, int64_t *axis, uint32_t rank);
value_id make(reader *r, op_code op, uint32_t n, const value_id *in, const void *attrs);
value_id make1(reader *r, op_code op, value_id x);
value_id make2(reader *r, op_code op, value_id x, value_id y);
value_id make3(reader *r, op_code op, value_id x, value_id y, value_id z);
value_id make_splat(reader *r, dtype dt, double v);
value_id make_like(reader *r, value_id x, double v); /* scalar of x's dtype */
value_id make_ints(reader *r, uint32_t n, const int64_t *v);
value_id make_cast(reader *r, value_id x, dtype to);
value_id make_reshape(reader *r, value_id x, uint32_t rank, const dim *shape);
value_id make_transpose(reader *r, value_id x, const int64_t *perm);
value_id make_swap(reader *r, value_id x, int64_t a, int64_t b); /* two axes; may be negative */
value_id make_broadcast(reader *r, value_id x, uint32_t rank, const dim *shape);
value_id make_reduce(reader *r, reduce_kind kind, value_id x, uint32_t n, const int64_t *axes, bool keep);
value_id make_reduce1(reader *r, reduce_kind kind, value_id x, int64_t axis, bool keep);
value_id make_slice(reader *r, value_id x, int64_t axis, dim start, dim size, int64_t step);
value_id make_concat(reader *r, int64_t axis, uint32_t n, const value_id *in);
value_id make_gather(reader *r, int64_t axis, value_id x, value_id index);
value_id make_iota(reader *r, dtype dt, dim n);
value_id make_iota_nd(reader *r, dtype dt, uint32_t rank, const dim *shape, int64_t axis);
value_id make_from_dims(reader *r, uint32_t n, const dim *at);
value_id make_unsqueeze(reader *r, value_id x, int64_t axis);
value_id make_squeeze(reader *r, value_id x, int64_t axis);
value_id make_clamp(reader *r, value_id x, double lo, double hi);
value_id make_mean(reader *r, value_id x, uint32_t n, const int64_t *axes, bool keep);
value_id make_same_shape(reader *r, value_id x, value_id like); /* broadcast x to like's shape */
value_id make_fit(reader *r, value_id x, value_id like); /* x, which must broadcast to like without changing it */
static inline dim dimi(reader *r, int64_t v) { return dim_const(r->dims, v); }

static inline value_id add(reader *r, value_id x, value_id y) { return make2(r, OP_add, x, y); }
static inline value_id sub(reader *r, value_id x, value_id y) { return make2(r, OP_sub, x, y); }
static inline value_id mul(reader *r, value_id x, value_id y) { return make2(r, OP_mul, x, y); }
static inline value_id quotient(reader *r, value_id x, value_id y) { return make2(r, OP_div, x, y); }

/* asked.c: what the options ask of the model's inputs. */
/* Extents of an input: numbers, named symbols (shared by name), or a symbol of their own named INPUT.AXIS. */
void asked_shape(reader *r, const onnx_value_info *info, dim *shape);
const onnx_const *asked_const(const reader *r, const char *name); /* NULL: the input stays one */
/* A constant has the type and the extents that the model declares of that input. */
frit_status asked_check_const(reader *r, const onnx_value_info *info, const const_data *given);
/* Errors: FRIT_USAGE for names that are none. Dims when the inputs have been read. */
frit_status asked_check_consts(reader *r);
frit_status asked_check_dims(reader *r);

#endif
