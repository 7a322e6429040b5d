/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The plan: what a call does, as a table. Built by passes/, printed and checked here, written into the artifact by
 * codegen/link, walked by runtime/. */
#ifndef FRIT_IR_PLAN_H
#define FRIT_IR_PLAN_H

#include "ir/graph/graph.h"
#include "ir/kernel/kernel.h"

typedef uint32_t pbuf_id;

typedef enum pbuf_kind {
    PB_INPUT,  /* caller's memory, index = input number */
    PB_OUTPUT, /* caller's memory, index = output number */
    PB_CONST,  /* weights: index = const number; contents data */
    PB_ARENA   /* index = slot: shares it with buffers whose life does not overlap */
} pbuf_kind;

typedef struct pbuf {
    const char *name;
    pbuf_kind kind;
    uint32_t index;
    dtype dt;
    uint32_t rank;
    const dim *shape;
    dim bytes;              /* at the actual dims */
    const const_data *data; /* PB_CONST: packed as the kernels want it */
    uint32_t first, last;   /* steps that define and last use it, for the report */
} pbuf;

typedef enum pstep_kind {
    PS_LAUNCH, /* kernel, or the library that computes it, over args */
    PS_COPY,   /* args[0] -> args[1], bytes of args[0] */
    PS_CHOICE, /* the first alternative whose condition holds */
    PS_IF,     /* args[0] (bool scalar) picks body[0] or body[1] */
    PS_LOOP,   /* body[0] repeated: see loop fields */
    PS_RESULT, /* the symbol `result` becomes args[0] (i64 scalar), or without one `trips` */
    PS_REQUIRE /* demand `contract` has to hold */
} pstep_kind;

typedef struct pstep pstep;
typedef struct pstep_list {
    uint32_t n;
    pstep *at;
} pstep_list;

struct pstep {
    pstep_kind kind;
    uint32_t kernel; /* LAUNCH: index in plan->kernels */
    uint32_t n_args;
    const pbuf_id *args; /* LAUNCH: one per kernel parameter */
    uint32_t n_alts;     /* CHOICE: <= 4, the last always true */
    struct palt {
        dim lhs, rhs; /* taken when lhs <= rhs; DIM_BAD lhs: always */
        pstep_list body;
    } * alts;
    pstep_list body[2]; /* IF, LOOP */
    /* LOOP: iterations i = 0, 1, .. while i < trips, i < args[0] (i64 scalar; UINT32_MAX: no such limit) and args[1]
     * (bool scalar, written by the body too; UINT32_MAX: always true) holds. Values carried along live in buffers that
     * the steps before the loop fill and the body's last steps write again. */
    dim trips;        /* LOOP: iterations at most; DIM_BAD: no limit of this kind. RESULT: see there */
    sym_id iteration; /* LOOP: the symbol that is the number of the iteration while the body runs */
    sym_id result; /* LOOP: the symbol that is the number of iterations afterwards, SYM_NONE none; more than its extent
                      allows are an error. RESULT: the symbol */
    uint32_t contract; /* REQUIRE: index in plan->demands */
    const char *loc;
};

/* A node of the core graph that a kernel computes, for reports. */
typedef struct plan_node {
    op_code op;
    const char *model_op; /* the model's operator that it comes from: layer_norm for a reduce */
    const char *loc;      /* the model's node, "" unknown */
} plan_node;
typedef struct plan_holds {
    uint32_t n;
    const plan_node *at; /* in topological order; constants are left out */
} plan_holds;

/* A tensor that one kernel stores and another reads: a place where fusion stopped. */
typedef struct plan_stop {
    const char *value;       /* in the model's words */
    uint32_t writer, reader; /* in plan->kernels */
    const char *why;
} plan_stop;

typedef struct plan {
    arena *a;
    const graph *iface; /* ports, symbols, ranges, contracts */
    VEC(kernel *) kernels;
    VEC(pbuf) bufs;
    VEC(dim) slots; /* bytes of each arena slot: a monotone majorant, 64-aligned; offset = sum of those before */
    VEC(const const_data *) consts;
    VEC(contract) demands; /* that steps check: of regions, and of extents that the program counts */
    pstep_list steps;
    dim scratch;           /* bytes of scratch per thread: max over kernels, a majorant, 64-aligned */
    uint32_t n_copies;     /* copies that in-place planning could not avoid */
    VEC(plan_holds) holds; /* of each kernel, for the report */
    VEC(plan_stop) stops;  /* for the report */
} plan;

/* plan.c */
dim plan_arena_bytes(plan *p); /* sum of the slots */
bool plan_calls_openblas(const plan *p);
/* For each symbol of t its index in the dims argument of kernels on every back end, UINT32_MAX for axes and loaded
 * indices; dim_n_syms(t) entries in a. out_n: how many have one, may be NULL. */
uint32_t *plan_number_syms(arena *a, dim_table *t, uint32_t *out_n);

/* plan_text.c */
void plan_print(strbuf *b, const plan *p);
const char *plan_buffer_name(const plan *p, pbuf_id id, arena *a); /* its own, or "b" and the number */

/* plan_verify.c */
frit_status plan_verify(cx *c, const plan *p);

/* plan_interp.c */
/* Runs the plan with the kernel interpreter on concrete inputs: the oracle of lowering. */
frit_status plan_interpret(cx *c, const plan *p, const void *const *inputs, const int64_t *syms, void *const *outputs);
/* The same with somebody else's way to run a kernel. buffers: one address per kernel parameter. */
typedef struct plan_call plan_call;
typedef frit_status plan_launch_fn(cx *c, const plan_call *call, uint32_t kernel, void *const *buffers);
struct plan_call {
    const plan *p;
    const void *const *inputs;
    const int64_t *syms;
    void *const *outputs;
    plan_launch_fn *launch; /* NULL: the kernel interpreter */
    void *data;             /* for launch */
    int64_t *end_syms;      /* takes what the symbols are at the end, counted ones too; NULL: nobody asks */
};
frit_status plan_run_by(cx *c, const plan_call *call);

#endif
