/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Facts about the machines that code is generated for. One row per known CPU level in targets.def. */
#ifndef FRIT_BASE_TARGET_H
#define FRIT_BASE_TARGET_H

#include <stdbool.h>

#include "base/diag.h"

typedef enum target_kind { TARGET_CPU, TARGET_CUDA } target_kind;

typedef struct target {
    target_kind kind;
    const char *cpu;        /* LLVM's name: "x86-64-v3", "znver4" */
    const char *features;   /* LLVM feature string added to the name, "" when none */
    uint32_t vector_bytes;  /* 16, 32 or 64 */
    uint32_t n_vector_regs; /* 16 or 32 */
    bool has_fma, has_masks, has_bf16_dot, has_vnni, has_f16c;
    bool has_amx; /* AMX: products of tiles of bf16 and of bytes */
    uint32_t l1_bytes,
        l2_bytes;     /* data caches that schedules are made for: facts of the level, not of the machine compiling */
    const char *arch; /* CUDA: "sm_90a" */
} target;

/* Columns of the matrix micro-kernel's register tile, for results of element_bytes: six rows of it take most of the
 * vector registers. Packed weights lie in panels of this width. */
static inline uint32_t target_tile_columns(const target *t, uint32_t element_bytes) {
    return t->vector_bytes / element_bytes * (t->n_vector_regs == 32 ? 4 : 2);
}

/* name: native, x86-64-v2, x86-64-v3, x86-64-v4 or a CPU name. native becomes the name of this machine's CPU, so that
 * equal names give equal code everywhere. Errors: FRIT_TARGET with a suggestion. */
frit_status target_cpu(cx *c, const char *name, target *out);
frit_status target_cuda(cx *c, const char *arch, target *out);
/* Names that target_cpu takes beside "native", best CPU first; NULL from the end on. */
const char *target_cpu_name(size_t i);
/* The first instruction set extension that code for the CPU called name needs and this machine lacks; NULL when it can
 * run here. A name that is not in targets.def is itself what is missing. Code that does not use the matrix unit runs
 * without one. */
const char *target_missing(const char *name, bool uses_amx);
/* Asks the system to let this process use the registers of the matrix unit (AMX), which it must before the first such
 * instruction; once is enough, and threads inherit it. false: errno says why not. */
bool target_ask_for_amx(void);

#endif
