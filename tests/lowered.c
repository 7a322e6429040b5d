/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Graph -> passes -> kernels and plan -> run, each stage verified. */
#include "tests/lowered.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xmmintrin.h>

#include "driver/session.h"
#include "passes/plan/cases.h"
#include "runtime/loader.h"
#include "runtime/runtime.h"

enum { GARBAGE = 0xA5 };

/* Values of the symbols that the inputs bind; those that data decides are at their greatest, others stay 0. */
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
        if (info->kind == SYM_RESULT && dim_eval(c, g->dims, info->extent, syms, &syms[s]) == FRIT_OK) syms[s]--;
    }
    return syms;
}

/* What extent d may have at most, whatever is counted. */
static frit_status room_of(cx *c, dim_table *t, dim d, const int64_t *syms, int64_t *out) {
    for (sym_id s = 0; s < dim_n_syms(t); s++)
        if (dim_sym_info(t, s)->kind == SYM_RESULT && !dim_grows(t, d, s)) d = dim_majorant(t, d);
    return dim_eval(c, t, d, syms, out);
}

static frit_status alloc_outputs(cx *c, const graph *g, const int64_t *syms, tensor *outputs) {
    for (uint32_t i = 0; i < g->outputs.n; i++) {
        const tensor_type *type = graph_type(g, g->regions.at[0].results.at[i]);
        int64_t shape[MAX_RANK];
        for (uint32_t k = 0; k < type->rank; k++) TRY(room_of(c, g->dims, type->shape[k], syms, &shape[k]));
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
    const lower_options how = {.t = &t};
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
    call.end_syms = ARENA_ARRAY(c->job, int64_t, dim_n_syms(g->dims) + 1);
    TRY(plan_run_by(c, &call));
    for (uint32_t i = 0; i < g->outputs.n; i++)
        for (uint32_t k = 0; k < outputs[i].rank; k++)
            TRY(dim_eval(c, g->dims, graph_type(g, g->regions.at[0].results.at[i])->shape[k], call.end_syms,
                         &outputs[i].shape[k]));
    return FRIT_OK;
}

frit_status lowered_open(cx *c, graph *g, const lowered_options *o, lowered *out) {
    *out = (lowered){0};
    if (o->is_interpreted) return lowered_plan(c, g, o, &out->p);
    const compile_options options = {.cpu = o->cpu, .checked = o->is_checked, .n_threads = 1};
    TRY(jit_graph(c, g, &options, &out->j));
    const pf_header *tables = module_of(jit_artifact(out->j))->plan;
    const char *fault = plan_check(tables, tables->total_bytes);
    return fault ? FAIL(c, INTERNAL, g->name, "the loader would call it damaged: %s", fault) : FRIT_OK;
}

/* --- memory that nobody has written --- */

enum { ALIGN = 64, MOST_PORTS = 64, EXCEPTIONS = 0x3f };
/* Both halves of a word, and two words side by side, are subnormal or NaN too. */
static const uint32_t SUBNORMAL_F32 = 1, SUBNORMALS = 0x00010001, NAN_F32 = 0x7f817f81, NAN_F64 = 0x7ff00001,
                      NAN_F16 = 0x7d017d01, ALL_BITS = 0xffffffff;

static void fill_words(void *at, size_t n, uint32_t word) {
    uint8_t *bytes = at;
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(word >> i % sizeof word * 8);
}

/* A context in memory that holds `word` everywhere, in place of the session's own. */
static frit_status use_memory(cx *c, session *s, uint32_t word) {
    char text[512] = "";
    frit_options o = {.struct_bytes = sizeof o, .n_threads = 1, .max_symbols = s->symbols};
    frit_memory m = {.struct_bytes = sizeof m};
    s->a->destroy(s->context);
    s->context = NULL;
    frit_status status = s->a->memory(s->a, &o, &m, text, sizeof text);
    if (status != FRIT_OK) return cx_fail(c, status, NULL, "%s", text);
    o.memory = arena_alloc_aligned(c->job, m.context_bytes, ALIGN);
    o.memory_bytes = m.context_bytes;
    fill_words(o.memory, m.context_bytes, word);
    status = s->a->create(s->a, &o, &s->context, text, sizeof text);
    return status == FRIT_OK ? status : cx_fail(c, status, NULL, "%s", text);
}

static bool is_input(const session *s, uint32_t n_inputs, const void *data) {
    for (uint32_t i = 0; i < n_inputs; i++)
        if (s->inputs[i].data == data) return true;
    return false;
}

static lowered_memory *watched; /* that the run at work is in */

/* As backend_cpu.c on one thread, but keeps what arithmetic raised. */
static frit_status launch_watched(frit_context *x, const pf_step *s) {
    const pf_kernel *k = &PF_ROWS(x->plan, pf_kernel, kernels)[s->kernel];
    const pf_phase *phases = PF_ROWS(x->plan, pf_phase, phases) + k->first_phase;
    const uint32_t *numbers = PF_ROWS(x->plan, uint32_t, args) + s->first_arg;
    unsigned before = _mm_getcsr();
    for (uint32_t i = 0; i < s->n_args; i++) x->args[i] = x->pointers[numbers[i]];
    memset(x->scratch, 0, KERNEL_REPORT_BYTES);
    _mm_setcsr(0x1f80); /* as fp_state.h does, which puts back the flags */
    for (uint32_t i = 0; i < k->n_phases; i++)
        x->module->functions[phases[i].function](x->args, x->symbols, 0, x->values[phases[i].items], x->scratch);
    watched->flags[s->kernel] |= _mm_getcsr() & EXCEPTIONS;
    _mm_setcsr(before);
    const kernel_report *r = (const void *)x->scratch;
    return x->plan->is_checked && r->failed ? cpu_outside(x, s, r) : FRIT_OK;
}

static const backend backend_watched = {
    .launch = launch_watched, .copy = cpu_copy, .read = cpu_read, .write = cpu_write};

frit_status lowered_apply_in(cx *c, const lowered *l, const tensor *inputs, lowered_memory *m, tensor *outputs) {
    module mod = *module_of(jit_artifact(l->j));
    mod.backend = &backend_watched;
    frit_artifact a = artifact_over(&mod);
    artifact_facts f = artifact_facts_of(c, &a);
    session s;
    frit_status status = session_open(c, &f, inputs, 1, NULL, &s);
    m->n_kernels = f.info.n_kernels;
    m->flags = ARENA_ARRAY(c->job, uint8_t, m->n_kernels + 1u);
    watched = m;
    if (status == FRIT_OK) status = use_memory(c, &s, m->word);
    for (uint32_t i = 0; status == FRIT_OK && i < s.n_outputs; i++) {
        tensor *t = &s.outputs[i]; /* a state's is its input, which somebody wrote */
        size_t n_bytes = dtype_bytes(t->dt, (size_t)tensor_count(t));
        if (!is_input(&s, f.info.n_inputs, t->data)) fill_words(t->data, n_bytes, m->word);
    }
    if (status == FRIT_OK) status = session_run(c, &s);
    session_close(&s);
    for (uint32_t i = 0; status == FRIT_OK && i < s.n_outputs; i++) outputs[i] = s.outputs[i];
    return status;
}

frit_status lowered_apply(cx *c, const lowered *l, const tensor *inputs, tensor *outputs) {
    if (l->p) return lowered_call(c, &(plan_call){.p = l->p}, inputs, outputs);
    return lowered_apply_in(c, l, inputs, &(lowered_memory){.word = NAN_F32}, outputs);
}

/* Inputs that a run may write to: those of states. */
static tensor *copy_inputs(cx *c, uint32_t n, const tensor *inputs) {
    tensor *out = arena_copy(c->job, inputs, (n + 1u) * sizeof *out);
    for (uint32_t i = 0; i < n; i++) {
        size_t n_bytes = dtype_bytes(inputs[i].dt, (size_t)tensor_count(&inputs[i]));
        out[i].data = arena_alloc_aligned(c->job, n_bytes + ALIGN, ALIGN);
        if (n_bytes) memcpy(out[i].data, inputs[i].data, n_bytes);
    }
    return out;
}

/* The first element whose bits differ; the number of elements when none does. */
static int64_t first_difference(const tensor *a, const tensor *b) {
    int64_t n = tensor_count(a);
    for (int64_t i = 0; i < n; i++) {
        scalar x = dtype_load(a->dt, a->data, (size_t)i), y = dtype_load(b->dt, b->data, (size_t)i);
        if (x.u != y.u) return i;
    }
    return n;
}

const char *lowered_reads_garbage(cx *c, const lowered *l, const tensor *inputs) {
    static const uint32_t words[] = {0, SUBNORMAL_F32, SUBNORMALS, NAN_F32, NAN_F64, NAN_F16, ALL_BITS};
    artifact_facts f = artifact_facts_of(c, jit_artifact(l->j));
    tensor want[MOST_PORTS], got[MOST_PORTS];
    lowered_memory zeros = {0};
    ASSERT(f.info.n_inputs < MOST_PORTS && f.info.n_outputs <= MOST_PORTS);
    for (size_t w = 0; w < countof(words); w++) {
        lowered_memory m = {.word = words[w]};
        const tensor *in = copy_inputs(c, f.info.n_inputs, inputs);
        if (lowered_apply_in(c, l, in, w ? &m : &zeros, w ? got : want) != FRIT_OK) return c->message;
        if (!w) continue;
        for (uint32_t k = 0; k < m.n_kernels; k++)
            if (m.flags[k] != zeros.flags[k])
                return arena_printf(c->job, "memory full of %08x: exceptions %02x in kernel %u, in zeroed memory %02x",
                                    m.word, m.flags[k], k, zeros.flags[k]);
        for (uint32_t i = 0; i < f.info.n_outputs; i++) {
            int64_t at = first_difference(&want[i], &got[i]);
            if (at < tensor_count(&want[i]))
                return arena_printf(c->job,
                                    "memory full of %08x: element %lld of output %u is not what zeroed memory gives",
                                    m.word, (long long)at, i);
        }
    }
    return NULL;
}

void lowered_close(lowered *l) { jit_close(l->j); }

frit_status lowered_run(cx *c, graph *g, const lowered_options *o, const tensor *inputs, tensor *outputs) {
    lowered l;
    frit_status status = lowered_open(c, g, o, &l);
    if (status == FRIT_OK) status = lowered_apply(c, &l, inputs, outputs);
    lowered_close(&l);
    return status;
}
