/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The pass string is our own: the emitter writes vectors itself, so there is no vectoriser, and loops keep the shape
 * they were given. What is left to do is to put stack slots into registers, fold, share, and move invariant code out.
 */
#include "codegen/cpu/cpu_machine.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <llvm/Config/llvm-config.h>
#include <string.h>
#include <threads.h>

static const char passes[] = "function(sroa,early-cse,instcombine<no-verify-fixpoint>,simplifycfg,"
                             "loop-mssa(licm),gvn,instcombine<no-verify-fixpoint>,simplifycfg,adce)";
static const char triple[] = "x86_64-unknown-linux-gnu";

static void register_target(void) {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
}

void machine_prepare(void) {
    static once_flag once = ONCE_FLAG_INIT;
    call_once(&once, register_target);
}

/* LLVM's name of a CPU, for versions of LLVM that came before it. */
static const char *llvm_cpu(const char *cpu) {
#if LLVM_VERSION_MAJOR < 20
    if (strcmp(cpu, "znver5") == 0) return "znver4";
#endif
    return cpu;
}

LLVMTargetMachineRef machine_new(const target *t, char **out_why) {
    LLVMTargetRef x86;
    if (LLVMGetTargetFromTriple(triple, &x86, out_why)) return NULL;
    return LLVMCreateTargetMachine(x86, triple, llvm_cpu(t->cpu), t->features, LLVMCodeGenLevelDefault, LLVMRelocPIC,
                                   LLVMCodeModelDefault);
}

static char *run_passes(LLVMTargetMachineRef m, LLVMModuleRef module, bool verify) {
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMPassBuilderOptionsSetVerifyEach(options, verify);
    LLVMErrorRef error = LLVMRunPasses(module, passes, m, options);
    LLVMDisposePassBuilderOptions(options);
    if (!error) return NULL;
    char *message = LLVMGetErrorMessage(error), *copy = LLVMCreateMessage(message);
    LLVMDisposeErrorMessage(message);
    return copy;
}

char *machine_run(LLVMTargetMachineRef m, LLVMModuleRef module, const cpu_options *o, machine_output *out) {
    char *why = NULL;
    LLVMSetTarget(module, triple);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(m);
    LLVMSetModuleDataLayout(module, layout);
    LLVMDisposeTargetData(layout);
#ifndef NDEBUG
    if (LLVMVerifyModule(module, LLVMReturnStatusAction, &why)) return why;
    LLVMDisposeMessage(why);
    why = NULL;
#endif
    if ((why = run_passes(m, module, false))) return why;
    if (o->keep_text) {
        out->ir = LLVMPrintModuleToString(module);
        LLVMModuleRef copy = LLVMCloneModule(module); /* code generation changes the module */
        if (LLVMTargetMachineEmitToMemoryBuffer(m, copy, LLVMAssemblyFile, &why, &out->assembly)) return why;
        LLVMDisposeModule(copy);
    }
    if (LLVMTargetMachineEmitToMemoryBuffer(m, module, LLVMObjectFile, &why, &out->object)) return why;
    return NULL;
}
