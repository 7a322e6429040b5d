/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the back ends leave and the linker takes: machine code of kernels, and how each phase is started. */
#ifndef FRIT_CODEGEN_CODE_H
#define FRIT_CODEGEN_CODE_H

#include "ir/plan/plan.h"

/* ---- CPU */

/* One relocatable ELF file, and what it was made from when keep_text is set. */
typedef struct cpu_object {
    const void *bytes;
    size_t n_bytes;
    const char *ir;       /* LLVM IR after optimisation, NULL unless asked for */
    const char *assembly; /* NULL unless asked for */
    bool uses_amx;        /* of the matrix unit, for which a process asks the system (target_ask_for_amx) */
} cpu_object;

/* Where the phases of one kernel are. */
typedef struct cpu_kernel {
    uint32_t object; /* index; equal kernels share one */
    uint32_t n_phases;
    const char *const *symbols; /* one function per phase */
} cpu_kernel;

typedef struct cpu_objects {
    uint32_t n_objects;
    cpu_object *objects;
    uint32_t n_kernels;
    cpu_kernel *kernels; /* one per kernel of the plan, same order */
} cpu_objects;

/* ---- CUDA */

/* How a phase is launched. */
typedef struct cuda_phase {
    const char *function;
    uint32_t threads; /* in a block */
    dim blocks;       /* in the grid */
    dim shared_bytes; /* dynamic shared memory of a block */
} cuda_phase;

/* One compiled text. */
typedef struct cuda_module {
    const char *text;
    const char *arch;
    const void *cubin;
    size_t n_bytes;
} cuda_module;

typedef struct cuda_modules {
    uint32_t n_modules;
    cuda_module *modules;
    uint32_t n_kernels;
    uint32_t n_archs;
    const uint32_t *module_of;       /* kernel * n_archs + arch -> module */
    const cuda_phase *const *phases; /* kernel -> how each of its phases is launched */
} cuda_modules;

#endif
