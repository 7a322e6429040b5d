/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A compiled plan as an artifact of this process: the runtime that is linked into frit walks the plan's bytes and calls
 * the kernels where LLVM's loader put them. */
#include <string.h>

#include "driver/jit.h"
#include "runtime/runtime.h"

struct jit {
    cpu_jit *code;
    module module;
    frit_artifact artifact; /* over module */
};

/* Function f of the table is phase f counted over all kernels in order: what plan_encode numbers them by. */
static frit_kernel_fn *const *list_functions(cx *c, const compiled *m, const cpu_jit *code) {
    uint32_t n = 0, at = 0;
    for (uint32_t k = 0; k < m->objects.n_kernels; k++) n += m->objects.kernels[k].n_phases;
    frit_kernel_fn **out = ARENA_ARRAY(c->job, frit_kernel_fn *, n + 1u);
    for (uint32_t k = 0; k < m->objects.n_kernels; k++)
        for (uint32_t p = 0; p < m->objects.kernels[k].n_phases; p++) out[at++] = cpu_jit_phase(code, k, p);
    return out;
}

frit_status jit_compiled(cx *c, const compiled *m, jit **out) {
    if (plan_calls_openblas(m->plan))
        return FAIL(c, UNSUPPORTED, m->model->name,
                    "products that call OpenBLAS only run from a file: write an artifact");
    jit *j = ARENA_NEW(c->job, jit);
    artifact_options options = {.target = &m->target, .checked = m->is_checked};
    pf_header *bytes = NULL;
    TRY(plan_encode(c, m->plan, &options, "", &bytes));
    uint64_t n_bytes = weights_layout(m->plan, NULL);
    void *weights = arena_alloc_aligned(c->job, (size_t)n_bytes + WEIGHT_ALIGN, WEIGHT_ALIGN);
    TRY(weights_copy(c, m->plan, weights));
    bytes->weights_bytes = n_bytes;
    TRY(cpu_jit_load(c, &m->objects, &j->code));
    j->module = (module){bytes, list_functions(c, m, j->code), &backend_cpu, weights};
    j->artifact = artifact_over(&j->module);
    *out = j;
    return FRIT_OK;
}

frit_status jit_graph(cx *c, graph *g, const compile_options *o, jit **out) {
    compiled *m = ARENA_NEW(c->job, compiled);
    TRY(compile_graph(c, g, o, m));
    return jit_compiled(c, m, out);
}

const frit_artifact *jit_artifact(const jit *j) { return &j->artifact; }

void jit_close(jit *j) {
    if (j) cpu_jit_close(j->code);
}
