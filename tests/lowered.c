/* Graph -> passes -> kernels and plan -> run, each stage verified. */
#include "tests/lowered.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/session.h"
#include "passes/cases.h"

enum { GARBAGE = 0xA5 };

/* Values of the symbols that the inputs bind; others stay 0. */
static int64_t *bind_symbols(cx *c, const graph *g, const tensor *inputs) {
    uint32_t n = dim_n_syms(g->dims);
    int64_t *syms = ARENA_ARRAY(c->job, int64_t, n + 1);
    for (uint32_t i = 0; i < g->inputs.n; i++) {
        const tensor_type *type = &g->inputs.at[i].type;
        sym_id s;
        for (uint32_t k = 0; k < type->rank; k++)
            if (dim_is_sym(g->dims, type->shape[k], &s)) syms[s] = inputs[i].shape[k];
    }
    for (sym_id s = 0; s < n; s++) {
        const sym_info *info = dim_sym_info(g->dims, s);
        if (info->kind == SYM_HOST_ELEM)
            syms[s] = dtype_load(inputs[info->input].dt, inputs[info->input].data, info->axis).i;
    }
    return syms;
}

static frit_status alloc_outputs(cx *c, const graph *g, const int64_t *syms, tensor *outputs) {
    for (uint32_t i = 0; i < g->outputs.n; i++) {
        const tensor_type *type = graph_type(g, g->regions.at[0].results.at[i]);
        int64_t shape[MAX_RANK];
        for (uint32_t k = 0; k < type->rank; k++) TRY(dim_eval(c, g->dims, type->shape[k], syms, &shape[k]));
        TRY(tensor_alloc(c, c->job, type->dt, type->rank, shape, &outputs[i]));
        memset(outputs[i].data, GARBAGE, dtype_bytes(type->dt, (size_t)tensor_count(&outputs[i])));
    }
    return FRIT_OK;
}

static frit_status verify_plan(cx *c, const plan *p) {
    TRY(plan_verify(c, p));
    for (uint32_t i = 0; i < p->kernels.n; i++) TRY(kernel_verify(c, p->kernels.at[i]));
    return FRIT_OK;
}

/* FRIT_PRINT=1 shows what the plan runs. */
static void print_kernels(cx *c, const plan *p) {
    if (!getenv("FRIT_PRINT")) return;
    strbuf b = {.a = c->job};
    plan_print(&b, p);
    for (uint32_t i = 0; i < p->kernels.n; i++) kernel_print(&b, p->kernels.at[i]);
    fputs(strbuf_text(&b), stderr);
}

frit_status lowered_plan(cx *c, graph *g, const lowered_options *o, plan **out) {
    graph *core;
    target t;
    size_case equal_sizes;
    TRY(passes_of_cases(c, g, &(pipeline_options){.is_verified = true}, &core, &equal_sizes));
    if (o->arch)
        TRY(target_cuda(c, o->arch, &t));
    else
        TRY(target_cpu(c, o->cpu ? o->cpu : "native", &t));
    const lower_options how = {.t = &t, .is_checked = o->is_checked};
    TRY(lower_cases(c, core, &equal_sizes, &how, out));
    print_kernels(c, *out);
    return verify_plan(c, *out);
}

frit_status lowered_call(cx *c, const plan_call *how, const tensor *inputs, tensor *outputs) {
    const graph *g = how->p->iface;
    plan_call call = *how;
    const void **in = ARENA_ARRAY(c->job, const void *, g->inputs.n + 1);
    void **out = ARENA_ARRAY(c->job, void *, g->outputs.n + 1);
    call.syms = bind_symbols(c, g, inputs);
    TRY(alloc_outputs(c, g, call.syms, outputs));
    for (uint32_t i = 0; i < g->inputs.n; i++) in[i] = inputs[i].data;
    for (uint32_t i = 0; i < g->outputs.n; i++) out[i] = outputs[i].data;
    call.inputs = in;
    call.outputs = out;
    return plan_run_by(c, &call);
}

frit_status lowered_open(cx *c, graph *g, const lowered_options *o, lowered *out) {
    *out = (lowered){0};
    if (o->is_interpreted) return lowered_plan(c, g, o, &out->p);
    const compile_options options = {.cpu = o->cpu, .checked = o->is_checked, .n_threads = 1};
    return jit_graph(c, g, &options, &out->j);
}

frit_status lowered_apply(cx *c, const lowered *l, const tensor *inputs, tensor *outputs) {
    if (l->p) return lowered_call(c, &(plan_call){.p = l->p}, inputs, outputs);
    return session_call(c, jit_artifact(l->j), inputs, 1, outputs);
}

void lowered_close(lowered *l) { jit_close(l->j); }

frit_status lowered_run(cx *c, graph *g, const lowered_options *o, const tensor *inputs, tensor *outputs) {
    lowered l;
    frit_status status = lowered_open(c, g, o, &l);
    if (status == FRIT_OK) status = lowered_apply(c, &l, inputs, outputs);
    lowered_close(&l);
    return status;
}
