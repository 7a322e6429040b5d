/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inside kernel_verify: the state of the walk, and what its files offer each other. */
#ifndef FRIT_IR_KERNEL_VERIFY_H
#define FRIT_IR_KERNEL_VERIFY_H

#include "ir/kernel/kernel.h"

enum { KVERIFY_MAX_DEPTH = 64, KVERIFY_MAX_FACTS = 64 };

/* lo <= d or d < hi, known where the walk is. */
typedef struct fact {
    dim d, bound;
    bool is_upper;
} fact;

typedef enum acc_phase { ACC_UNDECLARED, ACC_OPEN, ACC_READ, ACC_CLOSED } acc_phase;

typedef struct verifier {
    cx *c;
    const kernel *k;
    strbuf *unproven; /* NULL: not wanted */
    uint32_t n_unproven;
    const kstmt *loops[KVERIFY_MAX_DEPTH]; /* around, outermost first */
    uint32_t n_loops;
    const kleaf *leaf; /* its symbols are bound too */
    const kdef *def;   /* likewise */
    fact facts[KVERIFY_MAX_FACTS];
    uint32_t n_facts;
    uint8_t *acc_phase;  /* by acc_id */
    uint32_t *acc_lanes; /* lane loops around the declaration */
    uint8_t *let_is_set; /* by let_id: 1 readable, 2 out of scope */
    uint32_t *seen;      /* by expression: number of the check that saw it */
    uint32_t check;
    frit_status status; /* of callbacks that return nothing */
} verifier;

#define CHECK(v, holds, ...)                                                                                           \
    do {                                                                                                               \
        if (!(holds)) return kverify_fail((v), __VA_ARGS__);                                                           \
    } while (0)

static inline bool kverify_is_power(uint32_t n) { return n && !(n & (n - 1)); }
static inline bool kverify_is_lane_loop(const kstmt *s) {
    return s->u.loop.kind == KL_VEC || s->u.loop.kind == KL_THREAD;
}
static inline const char *kverify_sym(const verifier *v, sym_id s) { return dim_sym_info(v->k->dims, s)->name; }
/* Lane loops around. */
static inline uint32_t kverify_lane_loops(const verifier *v) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n_loops; i++) n += kverify_is_lane_loop(v->loops[i]);
    return n;
}

/* kernel_verify_expr.c */
frit_status kverify_fail(verifier *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool kverify_is_bound(const verifier *v, sym_id s); /* an axis of a loop, leaf or definition around */
frit_status kverify_dim(verifier *v, dim d);        /* its symbols are bound, its loads are in order */
/* Adds what a condition says about dims: its conjuncts of the form index(a) < index(b) and their like. */
void kverify_assume(verifier *v, kx cond);
frit_status kverify_access(verifier *v, buf_id b, const dim *at);
frit_status kverify_reg_index(verifier *v, buf_id b, const dim *at);
frit_status kverify_expr(verifier *v, kx x);                              /* within the check at hand: v->check */
frit_status kverify_typed(verifier *v, kx x, dtype dt, const char *what); /* in a check of its own */
/* Parallel items do not store to the same place of a parameter. */
frit_status kverify_overlap(verifier *v, buf_id b, const dim *at, kx pred);

/* kernel_verify_leaf.c */
frit_status kverify_leaf(verifier *v, const kleaf *l);

#endif
