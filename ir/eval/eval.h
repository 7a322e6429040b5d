/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The evaluator: runs a graph on concrete tensors with plain loops, in f64 where it helps. It is the oracle of every
 * test and the constant folder's engine, never the product: slow and obvious on purpose. */
#ifndef FRIT_IR_EVAL_H
#define FRIT_IR_EVAL_H

#include "ir/graph/graph.h"

/* A concrete tensor: packed row-major elements. */
typedef struct tensor {
    dtype dt;
    uint32_t rank;
    int64_t shape[MAX_RANK];
    void *data; /* dtype_bytes(dt, tensor_count) bytes */
} tensor;

int64_t tensor_count(const tensor *t);
/* Allocates data in a. Errors: FRIT_RANGE when the size overflows or exceeds 1 << 40 bytes. */
frit_status tensor_alloc(cx *c, arena *a, dtype dt, uint32_t rank, const int64_t *shape, tensor *out);

typedef struct eval_cx {
    cx *c;
    const graph *g;
    arena *a;       /* results */
    int64_t *syms;  /* value of each symbol of g->dims, bound from the inputs; INT64_MIN when unbound */
    tensor *values; /* value id -> tensor; data NULL when not computed */
} eval_cx;

/* Evaluates g on inputs (n = g->inputs.n) into outputs (g->outputs.n). Binds symbols from shapes and host inputs,
 * checks ranges and contracts. Errors: FRIT_SHAPE / FRIT_RANGE / FRIT_TYPE naming the input and dim. */
frit_status eval_graph(cx *c, const graph *g, arena *a, const tensor *inputs, tensor *outputs);
/* Evaluates one node on concrete operands; syms may be NULL when attributes hold no symbols (constant folding). */
frit_status eval_node(eval_cx *e, const node *n, const tensor *in, tensor *out);
/* Row of a const payload as a tensor (materialises splats and random fills). */
frit_status eval_const(cx *c, arena *a, const const_data *d, tensor *out);

#endif
