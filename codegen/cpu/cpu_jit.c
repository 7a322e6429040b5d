/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Objects in this process, loaded by LLVM's ORC. The only names they may refer to outside are those of
 * runtime/kernel_abi.h. */
#include "codegen/cpu/cpu.h"

#include <errno.h>
#include <llvm-c/Core.h>
#include <llvm-c/LLJIT.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/cpu/cpu_machine.h"

struct cpu_jit {
    LLVMOrcLLJITRef jit;
    arena a;
    uint32_t n_kernels;
    frit_kernel_fn ***phases; /* [kernel][phase] */
};

static frit_status orc_failed(cx *c, LLVMErrorRef error, const char *what) {
    char *text = LLVMGetErrorMessage(error);
    frit_status status = FAIL(c, INTERNAL, what, "loading generated code failed: %s", text);
    LLVMDisposeErrorMessage(text);
    return status;
}

/* Functions that generated code may call, by name. */
typedef void any_fn(void);
static const struct {
    const char *name;
    any_fn *fn;
} outside[] = {
    {"fmod", (any_fn *)(double (*)(double, double))fmod},
    {"fmodf", (any_fn *)(float (*)(float, float))fmodf},
    {"memcpy", (any_fn *)memcpy},
    {"memmove", (any_fn *)memmove},
    {"memset", (any_fn *)memset},
};

static LLVMErrorRef define_outside(LLVMOrcLLJITRef jit) {
    LLVMOrcCSymbolMapPair pairs[countof(outside)];
    for (size_t i = 0; i < countof(outside); i++) {
        pairs[i].Name = LLVMOrcLLJITMangleAndIntern(jit, outside[i].name);
        pairs[i].Sym.Address = (LLVMOrcExecutorAddress)(uintptr_t)outside[i].fn;
        pairs[i].Sym.Flags = (LLVMJITSymbolFlags){.GenericFlags = LLVMJITSymbolGenericFlagsExported};
    }
    LLVMOrcMaterializationUnitRef unit = LLVMOrcAbsoluteSymbols(pairs, countof(outside));
    return LLVMOrcJITDylibDefine(LLVMOrcLLJITGetMainJITDylib(jit), unit);
}

/* Whether this process may run what the objects hold. */
static frit_status check_tiles(cx *c, const cpu_objects *objects) {
    bool uses_amx = false;
    for (uint32_t i = 0; i < objects->n_objects; i++) uses_amx = uses_amx || objects->objects[i].uses_amx;
    if (!uses_amx || target_ask_for_amx()) return FRIT_OK;
    return FAIL(c, TARGET, "amx", "the system does not let this process use the matrix unit: %s", strerror(errno));
}

static LLVMErrorRef add_objects(LLVMOrcLLJITRef jit, const cpu_objects *objects) {
    for (uint32_t i = 0; i < objects->n_objects; i++) {
        const cpu_object *o = &objects->objects[i];
        LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(o->bytes, o->n_bytes, "frit");
        LLVMErrorRef error = LLVMOrcLLJITAddObjectFile(jit, LLVMOrcLLJITGetMainJITDylib(jit), buffer);
        if (error) return error;
    }
    return LLVMErrorSuccess;
}

static LLVMErrorRef look_up(cpu_jit *j, const cpu_objects *objects) {
    j->n_kernels = objects->n_kernels;
    j->phases = ARENA_ARRAY(&j->a, frit_kernel_fn **, j->n_kernels);
    for (uint32_t k = 0; k < j->n_kernels; k++) {
        const cpu_kernel *made = &objects->kernels[k];
        j->phases[k] = ARENA_ARRAY(&j->a, frit_kernel_fn *, made->n_phases);
        for (uint32_t p = 0; p < made->n_phases; p++) {
            LLVMOrcExecutorAddress address;
            LLVMErrorRef error = LLVMOrcLLJITLookup(j->jit, &address, made->symbols[p]);
            if (error) return error;
            j->phases[k][p] = (frit_kernel_fn *)(uintptr_t)address;
        }
    }
    return LLVMErrorSuccess;
}

frit_status cpu_jit_load(cx *c, const cpu_objects *objects, cpu_jit **out) {
    machine_prepare();
    TRY(check_tiles(c, objects));
    arena a;
    arena_init(&a);
    cpu_jit *j = ARENA_NEW(&a, cpu_jit);
    j->a = a;
    LLVMErrorRef error = LLVMOrcCreateLLJIT(&j->jit, NULL);
    if (!error) error = define_outside(j->jit);
    if (!error) error = add_objects(j->jit, objects);
    if (!error) error = look_up(j, objects);
    if (!error) {
        *out = j;
        return FRIT_OK;
    }
    frit_status status = orc_failed(c, error, "jit");
    cpu_jit_close(j);
    return status;
}

frit_kernel_fn *cpu_jit_phase(const cpu_jit *j, uint32_t number, uint32_t phase) { return j->phases[number][phase]; }

void cpu_jit_close(cpu_jit *j) {
    if (!j) return;
    if (j->jit) LLVMConsumeError(LLVMOrcDisposeLLJIT(j->jit));
    arena a = j->a;
    arena_fini(&a);
}
