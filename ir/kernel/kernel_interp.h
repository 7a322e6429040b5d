/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inside the kernel interpreter: state of one run, shared by kernel_eval.c (expressions, memory) and kernel_interp.c
 * (definitions, loop trees). */
#ifndef FRIT_IR_KERNEL_INTERP_H
#define FRIT_IR_KERNEL_INTERP_H

#include "ir/kernel/kernel.h"
#include "ir/op/scalar.h"

/* Who touched an element since the last barrier (local buffers) or in this phase (parameters). */
typedef struct ktouch {
    uint32_t write_epoch, read_epoch;   /* 0: never */
    uint32_t write_thread, read_thread; /* KTOUCH_MANY: several */
} ktouch;
#define KTOUCH_MANY UINT32_MAX

/* Storage of a buffer. */
typedef struct kmemory {
    uint8_t *base;
    int64_t elements; /* of one copy */
    int64_t *shape, *strides;
    size_t copy_bytes; /* REG: distance between the copies of two threads; else 0 */
    ktouch *touched;   /* NULL when not followed */
} kmemory;

/* Partial results of one accumulator, lanes times components. */
typedef struct kacc_state {
    scalar *partials;
    uint32_t lane_depth; /* lane loops around the declaration */
    bool is_finished;    /* combined into partial 0 */
} kacc_state;

/* One thread of the block (CUDA) or the only one (CPU). */
typedef struct kthread {
    int64_t *syms;
    kacc_state **accs; /* by acc_id; those declared further out are shared with other threads */
    kacc_state **own;  /* those that this thread has declared, kept for the next time */
    scalar *lets;
    uint32_t thread;  /* linear number in the block */
    uint32_t n_lanes; /* lane loops around */
    int64_t lane[8];  /* their axis values, outermost first */
} kthread;

typedef struct kdim_code {
    const int64_t *words;
    uint32_t n_loaded;
    const sym_id *loaded; /* loaded indices that the dim mentions */
} kdim_code;

/* Values of a definition, for runs of form 1. */
typedef struct kdef_values {
    scalar *at; /* component-major */
    int64_t elements;
    int64_t *extents;
} kdef_values;

typedef struct kinterp {
    cx *c;
    const kernel_run *run;
    const kernel *k;
    arena *a;
    uint32_t n_syms;
    kmemory *memory;              /* by buf_id */
    VEC(const kdim_code *) codes; /* by dim */
    scalar *value;                /* by expression, valid where stamp is now */
    uint32_t *stamp;
    uint32_t now;
    const scalar_expr *combine[N_COMBINERS][COMBINE_MAX];
    kdef_values *defs;
    VEC(kthread *) pool; /* threads to use again */
    uint32_t epoch;      /* raised by barriers; parameters use item + 1 */
    uint32_t item;       /* parallel item at work, from 1, over all phases */
    uint32_t first_item; /* of this phase */
    uint32_t item_epoch; /* in which the item began */
} kinterp;

/* kernel_eval.c */
frit_status kinterp_init(kinterp *s, cx *c, const kernel_run *run);
frit_status kinterp_dim(kinterp *s, kthread *t, dim d, int64_t *out);
/* Forgets what expressions were worth: called before each statement and thread. */
void kinterp_fresh(kinterp *s);
frit_status kinterp_expr(kinterp *s, kthread *t, kx x, scalar *out);
frit_status kinterp_load(kinterp *s, kthread *t, buf_id b, const dim *at, scalar *out);
frit_status kinterp_store(kinterp *s, kthread *t, buf_id b, const dim *at, scalar v);
/* a = combine(a, b), component by component. */
void kinterp_combine(kinterp *s, combiner comb, const dtype *dt, scalar *a, const scalar *b);
void kinterp_identity(combiner comb, const dtype *dt, scalar *out);
/* x * y + z with one rounding in dt. */
scalar kinterp_fma(dtype dt, scalar x, scalar y, scalar z);

#endif
