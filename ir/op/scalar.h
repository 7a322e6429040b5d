/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Scalar templates: the texts of ops.def and combine.def as small trees that any client instantiates in its own
 * representation (graph nodes, kernel expressions, machine code).
 *
 *   const scalar_expr *e = scalar_of_op(&arena, OP_gelu);
 *   uint32_t result = scalar_emit(e, attrs, inputs, &emitter);      // calls emitter.op for mul, erf, add ..
 *
 * Grammar: NUMBER | NAME | OP "(" expr {"," expr} ")". NAME is an input (x y z, or a0..a2 b0..b2, numbered 0..2 and
 * 0..5) or an INT, F64 or BOOL attribute; OP is an elementwise core operator. Equal subtrees are one node. */
#ifndef FRIT_IR_SCALAR_H
#define FRIT_IR_SCALAR_H

#include "ir/op/combine.h"

typedef enum scalar_kind { SCALAR_INPUT, SCALAR_ATTR, SCALAR_CONST, SCALAR_OP } scalar_kind;
#define SCALAR_BOOL       UINT32_MAX /* `like` of a node that is a bool */
#define SCALAR_MAX_INPUTS 6
#define SCALAR_MAX_NODES  64

typedef struct scalar_node {
    scalar_kind kind;
    op_code op;             /* OP */
    uint32_t n_args;        /* OP */
    uint32_t args[3];       /* OP: earlier nodes */
    uint32_t input;         /* INPUT: number */
    double value;           /* CONST */
    const attr_field *attr; /* ATTR */
    uint32_t like;          /* the input whose dtype the node has, or SCALAR_BOOL */
} scalar_node;

typedef struct scalar_expr {
    uint32_t n; /* the last node is the result */
    scalar_node nodes[SCALAR_MAX_NODES];
} scalar_expr;

/* Parses a template; attrs is the struct its names may refer to. Errors: FRIT_FORMAT with the place. */
frit_status scalar_parse(cx *c, arena *a, const char *text, const attr_type *attrs, const scalar_expr **out);
/* The template of an operator (NULL when it has none), of a component of a combiner. */
const scalar_expr *scalar_of_op(arena *a, op_code op);
const scalar_expr *scalar_of_combiner(arena *a, combiner k, uint32_t component);

/* How a client builds. Values are the client's own 32-bit ids. */
typedef struct scalar_emitter {
    void *data;
    uint32_t (*constant)(void *data, double value, uint32_t like); /* of the type of inputs[like] */
    uint32_t (*op)(void *data, op_code op, uint32_t n_args, const uint32_t *args);
} scalar_emitter;
uint32_t scalar_emit(const scalar_expr *e, const void *attrs, const uint32_t *inputs, const scalar_emitter *to);

#endif
