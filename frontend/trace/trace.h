/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The tracer: the calls of frit.h become nodes of a graph as they are made. A failure is sticky: it is recorded once
 * with the caller's place, and from then on nothing is added.
 *
 *   trace.c        life of a tracer, dims, inputs, outputs, states, constants
 *   trace_ops.c    elementwise operators, views, sources, movement, reductions
 *   trace_model.c  products, normalisation, attention, convolution, pooling
 */
#ifndef FRIT_FRONTEND_TRACE_TRACE_H
#define FRIT_FRONTEND_TRACE_TRACE_H

#include "base/file.h"
#include "frit.h"
#include "ir/graph/graph.h"

struct frit_value {
    frit_tracer *t;
    value_id id; /* VALUE_NONE: stands for a failure */
};

typedef struct trace_state {
    const frit_value *value; /* as frit_state gave it */
    bool is_stored;
} trace_state;

struct frit_tracer {
    arena job, scratch;
    cx c; /* status: of the first mistake */
    graph *g;
    frit_value failed;   /* what calls return after a mistake */
    const char *trouble; /* text of the last failed compile, NULL none; in job */
    VEC(mapped_file) files;
    VEC(trace_state) states; /* by number */
};

/* trace.c, for the compiling half of frit.h in driver/ */
graph *trace_graph(frit_tracer *t);
/* A failure of something done with the tracer, which recording does not depend on; c may be of another compile. */
void trace_set_trouble(frit_tracer *t, const char *message);
/* The program can be compiled: no mistake was recorded, it has an output, every state was stored. */
frit_status trace_finish(frit_tracer *t);

/* trace.c, for the operations */
/* Records a mistake at the caller's place; returns t->failed. */
frit_value *trace_fail(frit_tracer *t, const char *where, frit_status code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static inline bool trace_is_ok(const frit_tracer *t) { return t && t->c.status == FRIT_OK; }
/* What to return when it is not. */
static inline frit_value *trace_nothing(frit_tracer *t) { return t ? &t->failed : NULL; }
frit_value *trace_value(frit_tracer *t, value_id id);
dim trace_dim(frit_tracer *t, frit_dim d); /* DIM_BAD for a dim of another tracer */
frit_dim trace_dim_out(frit_tracer *t, dim d);
/* A list as dims or integers in scratch, which op_end releases. */
dim_list trace_dims(frit_tracer *t, frit_list l);
int_list trace_ints(frit_tracer *t, frit_list l);

/* An operation being recorded: op_begin, then op_add as often as needed, then op_end. */
typedef struct op_call {
    frit_tracer *t; /* NULL or failed: nothing is done */
    const char *where;
    const char *name; /* of the operation, for messages */
    loc_id loc;
    arena_mark mark;
    bool is_open; /* mark is to be released */
} op_call;
/* The trace is that of the first operand that has one; all n must be of it. False when nothing is to be recorded: then
 * op_end(&k, VALUE_NONE) is what to return. */
bool op_begin(op_call *k, const char *where, const char *name, uint32_t n, const frit_value *const *x);
bool op_begin_in(op_call *k, const char *where, const char *name, frit_tracer *t);
bool op_ok(const op_call *k);
/* Records a mistake and gives VALUE_NONE. */
value_id op_fail(op_call *k, frit_status code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Whether tensors can have that type: from C anything may come. Records a mistake otherwise. */
bool op_dtype_known(op_call *k, frit_dtype dt);
/* First result of the node; VALUE_NONE when it fails, after a failure, or for an operand VALUE_NONE. */
value_id op_add(op_call *k, op_code op, uint32_t n, const value_id *in, const void *attrs);
/* Those that change nothing give their operand back. */
value_id op_reshape(op_call *k, value_id x, uint32_t rank, const dim *shape);
frit_value *op_end(op_call *k, value_id id);
const tensor_type *op_type(const op_call *k, value_id id); /* of a value of k's trace; not VALUE_NONE */

#endif
