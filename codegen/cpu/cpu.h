/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* CPU code: loop trees to ELF objects through LLVM's C API. What the code does when called: runtime/kernel_abi.h. */
#ifndef FRIT_CODEGEN_CPU_H
#define FRIT_CODEGEN_CPU_H

#include "base/target.h"
#include "codegen/code.h"
#include "runtime/kernel_abi.h"

typedef struct cpu_options {
    bool checked;       /* a bounds check on each access; failures go to the kernel_report in scratch */
    bool keep_text;     /* fill in the text fields of cpu_object */
    uint32_t n_threads; /* threads that compile, 0: one per core; the bytes do not depend on it */
    /* Told now and then how many of n objects are done, by one of the threads; NULL: nobody. */
    void (*progress)(void *data, uint32_t done, uint32_t n);
    void *progress_data;
} cpu_options;

/* cpu.c */
/* Compiles every kernel of p. Everything in out lives in c->job. Errors: FRIT_TARGET when LLVM does not know the CPU,
 * FRIT_UNSUPPORTED naming the kernel, FRIT_CANCELLED. */
frit_status cpu_emit(cx *c, const plan *p, const target *t, const cpu_options *o, cpu_objects *out);
frit_status cpu_emit_kernels(cx *c, uint32_t n, kernel *const *kernels, const target *t, const cpu_options *o,
                             cpu_objects *out);

/* cpu_jit.c: the objects loaded into this process */
typedef struct cpu_jit cpu_jit;
frit_status cpu_jit_load(cx *c, const cpu_objects *objects,
                         cpu_jit **out); /* close it, also when c's arenas go first */
frit_kernel_fn *cpu_jit_phase(const cpu_jit *j, uint32_t number, uint32_t phase);
void cpu_jit_close(cpu_jit *j); /* NULL is fine */

#endif
