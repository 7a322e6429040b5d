/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* All kernels of a plan: equal ones once, LLVM IR built one after another (it is a small part of the time and asks the
 * shared dim table), then optimised and compiled in parallel. Each kernel is a module in a context of its own, so no
 * object depends on what else is compiled, or on how many threads do it. */
#include "codegen/cpu/cpu.h"

#include <string.h>

#include "base/map.h"
#include "base/par.h"
#include "codegen/cpu/cpu_emit.h"
#include "codegen/cpu/cpu_machine.h"

/* One module on its way to an object. */
typedef struct job {
    LLVMContextRef ctx;
    LLVMModuleRef module;
    machine_output output;
    bool uses_amx;
    char *why; /* what went wrong, in LLVM's memory */
} job;

typedef struct compile {
    const target *t;
    const cpu_options *o;
    job *jobs;
    LLVMTargetMachineRef *machines; /* one per thread, made when first used */
    uint32_t n_objects;
    atomic_uint n_done;
} compile;

static void set_types(emitter *e) {
    e->i1 = LLVMInt1TypeInContext(e->ctx);
    e->i8 = LLVMInt8TypeInContext(e->ctx);
    e->i16 = LLVMInt16TypeInContext(e->ctx);
    e->i32 = LLVMInt32TypeInContext(e->ctx);
    e->i64 = LLVMInt64TypeInContext(e->ctx);
    e->f16 = LLVMHalfTypeInContext(e->ctx);
    e->f32 = LLVMFloatTypeInContext(e->ctx);
    e->f64 = LLVMDoubleTypeInContext(e->ctx);
    e->ptr = LLVMPointerTypeInContext(e->ctx, 0);
    e->zero = LLVMConstInt(e->i64, 0, 0);
}

static frit_status build_module(cx *c, kernel *k, uint32_t number, const compile *all, job *j) {
    arena_mark mark = arena_save(c->scratch);
    j->ctx = LLVMContextCreate();
    LLVMContextSetDiscardValueNames(j->ctx, !all->o->keep_text);
    j->module = LLVMModuleCreateWithNameInContext("frit", j->ctx);
    emitter e = {.c = c, .t = all->t, .options = all->o, .k = k, .number = number, .ctx = j->ctx, .module = j->module};
    e.sym_numbers = plan_number_syms(c->scratch, k->dims, NULL);
    set_types(&e);
    frit_status status = emit_kernel(&e);
    j->uses_amx = e.uses_amx;
    arena_release(c->scratch, mark);
    return status;
}

static void compile_job(void *data, uint32_t item, uint32_t thread) {
    compile *all = data;
    job *j = &all->jobs[item];
    LLVMTargetMachineRef *m = &all->machines[thread];
    if (!*m) *m = machine_new(all->t, &j->why);
    if (*m) j->why = machine_run(*m, j->module, all->o, &j->output);
    uint32_t done = atomic_fetch_add(&all->n_done, 1) + 1;
    if (thread == 0 && all->o->progress) all->o->progress(all->o->progress_data, done, all->n_objects);
}

static const char *take_text(arena *a, char *text) {
    if (!text) return NULL;
    const char *copy = arena_strdup(a, text);
    LLVMDisposeMessage(text);
    return copy;
}

/* Copies what LLVM made into the job arena and gives LLVM its memory back. */
static void collect(cx *c, job *j, cpu_object *out) {
    machine_output *o = &j->output;
    if (o->object) {
        out->n_bytes = LLVMGetBufferSize(o->object);
        out->bytes = arena_copy(c->job, LLVMGetBufferStart(o->object), out->n_bytes);
        LLVMDisposeMemoryBuffer(o->object);
    }
    out->uses_amx = j->uses_amx;
    out->ir = take_text(c->job, o->ir);
    if (o->assembly) {
        out->assembly = arena_strndup(c->job, LLVMGetBufferStart(o->assembly), LLVMGetBufferSize(o->assembly));
        LLVMDisposeMemoryBuffer(o->assembly);
    }
    if (j->module) LLVMDisposeModule(j->module);
    if (j->ctx) LLVMContextDispose(j->ctx);
}

/* Those of the kernel that the object was made from. */
static const char *const *phase_symbols(cx *c, const kernel *k) {
    const char **symbols = ARENA_ARRAY(c->job, const char *, k->phases.n);
    for (uint32_t p = 0; p < k->phases.n; p++) symbols[p] = cpu_symbol(c->job, k, p);
    return symbols;
}

/* Gives each kernel its object; out->objects has room for all. Returns the number of the first kernel of each object.
 */
static uint32_t *share_equal(cx *c, uint32_t n, kernel *const *kernels, cpu_objects *out) {
    map seen = {.a = c->scratch};
    uint32_t *first = ARENA_ARRAY(c->job, uint32_t, n);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t digest[32];
        uint32_t object;
        out->kernels[i] = (cpu_kernel){0};
        if (!kernel_n_functions(kernels[i])) continue;
        kernel_digest(kernels[i], digest);
        if (!map_get(&seen, digest, sizeof digest, &object)) {
            object = out->n_objects++;
            first[object] = i;
            map_set(&seen, digest, sizeof digest, object);
        }
        out->kernels[i] = (cpu_kernel){.object = object,
                                       .n_phases = kernel_n_functions(kernels[i]),
                                       .symbols = phase_symbols(c, kernels[first[object]])};
    }
    return first;
}

frit_status cpu_emit_kernels(cx *c, uint32_t n, kernel *const *kernels, const target *t, const cpu_options *o,
                             cpu_objects *out) {
    *out = (cpu_objects){
        .n_kernels = n, .kernels = ARENA_ARRAY(c->job, cpu_kernel, n), .objects = ARENA_ARRAY(c->job, cpu_object, n)};
    const uint32_t *first = share_equal(c, n, kernels, out);
    uint32_t n_threads = o->n_threads ? o->n_threads : par_default_threads();
    compile all = {.t = t,
                   .o = o,
                   .n_objects = out->n_objects,
                   .jobs = ARENA_ARRAY(c->job, job, out->n_objects),
                   .machines = ARENA_ARRAY(c->job, LLVMTargetMachineRef, n_threads)};
    machine_prepare();
    frit_status status = FRIT_OK;
    for (uint32_t i = 0; i < out->n_objects && status == FRIT_OK; i++) {
        status = cx_poll(c);
        if (status == FRIT_OK) status = build_module(c, kernels[first[i]], first[i], &all, &all.jobs[i]);
    }
    if (status == FRIT_OK) par_for(out->n_objects, n_threads, compile_job, &all);
    for (uint32_t i = 0; i < out->n_objects; i++) {
        job *j = &all.jobs[i];
        collect(c, j, &out->objects[i]);
        const char *why = take_text(c->scratch, j->why);
        if (why && status == FRIT_OK) status = FAIL(c, INTERNAL, kernels[first[i]]->name, "LLVM refused it: %s", why);
    }
    for (uint32_t i = 0; i < n_threads; i++)
        if (all.machines[i]) LLVMDisposeTargetMachine(all.machines[i]);
    return status;
}

frit_status cpu_emit(cx *c, const plan *p, const target *t, const cpu_options *o, cpu_objects *out) {
    return cpu_emit_kernels(c, p->kernels.n, p->kernels.at, t, o, out);
}
