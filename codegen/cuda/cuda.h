/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* CUDA code: loop trees to header-free CUDA C++ text, and that to cubins through NVRTC, which is opened at run time.
 *
 * What the text is. One `extern "C" __global__` function for each phase of a kernel. Its arguments: one pointer for
 * each parameter, in order, then `const long long *dims`: device memory with the value of each shape symbol of the
 * plan, in the order of symbol ids with loop axes and loaded indices left out (the same numbering as on the CPU). The
 * phases of a kernel are launched one after the other on one stream.
 *
 * A phase runs in one of two shapes. With thread loops in its tree: one block for each parallel item, schedule.threads
 * threads. Without: one thread for each item, CUDA_ITEM_THREADS threads a block. */
#ifndef FRIT_CODEGEN_CUDA_H
#define FRIT_CODEGEN_CUDA_H

#include "codegen/code.h"

enum { CUDA_ITEM_THREADS = 128 };

/* cuda_text.c */
/* The text of all phases of k, complete with the functions it needs. Errors: FRIT_UNSUPPORTED naming what. */
frit_status cuda_emit_text(cx *c, const kernel *k, strbuf *out);

/* cuda_facts.c */
cuda_phase cuda_phase_of(const kernel *k, uint32_t phase, arena *a);

/* nvrtc.c */
typedef struct cuda_options {
    const char *nvrtc;         /* path of libnvrtc.so, NULL: look in the usual toolkit folders */
    const char *const *places; /* further folders to look in, ending with NULL; may be NULL */
    const char *const *archs;  /* "sm_90a", ...; ending with NULL; NULL or empty: sm_90a */
    uint32_t n_threads;        /* that compile, 0: one per core; the bytes do not depend on it */
} cuda_options;

/* Compiles every kernel of p for every arch, in parallel. Everything in out lives in c->job. Errors: FRIT_MISSING when
 * there is no libnvrtc (names the places), FRIT_TARGET for an arch it does not know, FRIT_UNSUPPORTED, FRIT_INTERNAL
 * with NVRTC's log. */
frit_status cuda_compile(cx *c, const plan *p, const cuda_options *o, cuda_modules *out);
/* Version of the library that cuda_compile would use. */
frit_status cuda_nvrtc_version(cx *c, const cuda_options *o, int *out_major, int *out_minor);

#endif
