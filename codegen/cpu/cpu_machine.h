/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LLVM's side of a compile: passes and code generation for one module. */
#ifndef FRIT_CODEGEN_CPU_MACHINE_H
#define FRIT_CODEGEN_CPU_MACHINE_H

#include <llvm-c/TargetMachine.h>

#include "codegen/cpu/cpu.h"

void machine_prepare(void); /* registers the target with LLVM; from any thread, any number of times */
/* NULL, with *out_why in LLVM's memory (LLVMDisposeMessage), when LLVM cannot make one. One thread at a time. */
LLVMTargetMachineRef machine_new(const target *t, char **out_why);
/* Optimises the module and compiles it. out's bytes live in *out_buffer and its texts in LLVM's memory; NULL when well,
 * else the reason. */
typedef struct machine_output {
    LLVMMemoryBufferRef object;
    char *ir;                     /* NULL unless wanted */
    LLVMMemoryBufferRef assembly; /* NULL unless wanted */
} machine_output;
char *machine_run(LLVMTargetMachineRef m, LLVMModuleRef module, const cpu_options *o, machine_output *out);

#endif
