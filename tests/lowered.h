/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Running a graph through the whole compiler inside a test. */
#ifndef FRIT_TESTS_LOWERED_H
#define FRIT_TESTS_LOWERED_H

#include "driver/jit.h"
#include "ir/eval/eval.h"
#include "ir/plan/plan.h"

typedef struct lowered_options {
    const char *cpu;     /* as --cpu; NULL: native */
    const char *arch;    /* as --arch: for that GPU instead */
    bool is_interpreted; /* kernels run in the kernel interpreter, not as machine code */
    bool is_checked;     /* with bounds checks */
} lowered_options;

/* A graph made ready to run, any number of times. */
typedef struct lowered {
    plan *p; /* for the kernel interpreter, else NULL */
    jit *j;  /* machine code, else NULL */
} lowered;
/* All passes, lowering and every verifier; machine code, in tables that the loader takes, unless interpreted. */
frit_status lowered_open(cx *c, graph *g, const lowered_options *o, lowered *out);
/* One run on inputs. Outputs are allocated in c->job. Machine code runs in memory of signalling NaNs. */
frit_status lowered_apply(cx *c, const lowered *l, const tensor *inputs, tensor *outputs);

/* How a run of machine code begins: what every 32-bit word of its context's memory and of its outputs holds. */
typedef struct lowered_memory {
    uint32_t word;
    uint32_t n_kernels;
    uint8_t *flags; /* out: exceptions that each kernel's floating-point arithmetic raised, as in MXCSR */
} lowered_memory;
frit_status lowered_apply_in(cx *c, const lowered *l, const tensor *inputs, lowered_memory *m, tensor *outputs);
/* Runs machine code in zeroed memory and in memory full of subnormal numbers, signalling NaNs and 0xFF, for all widths
 * of floats. NULL when outputs have equal bits and arithmetic raises equal exceptions, as when nothing is read that
 * nobody wrote; else what differs, in words. */
const char *lowered_reads_garbage(cx *c, const lowered *l, const tensor *inputs);
void lowered_close(lowered *l);
/* The three together. */
frit_status lowered_run(cx *c, graph *g, const lowered_options *o, const tensor *inputs, tensor *outputs);
/* The two halves of that: everything before the run, and the run by somebody's way to run a kernel (NULL: the kernel
 * interpreter). */
frit_status lowered_plan(cx *c, graph *g, const lowered_options *o, plan **out);
frit_status lowered_call(cx *c, const plan_call *how, const tensor *inputs, tensor *outputs);

#endif
