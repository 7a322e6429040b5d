/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A context with its tensors, made for exactly one set of dims. */
#include "driver/session.h"

#include <stddef.h>

#include "base/str.h"
#include "driver/report.h"

#include "runtime/runtime.h"

enum { MESSAGE_BYTES = 512, ALIGN = 64 };

artifact_facts artifact_facts_of(cx *c, const frit_artifact *a) {
    artifact_facts f = {.a = a, .plan = module_of(a)->plan, .info = {.struct_bytes = sizeof f.info}};
    a->info(a, &f.info);
    f.symbols = ARENA_ARRAY(c->job, frit_symbol, f.info.n_symbols + 1);
    f.inputs = ARENA_ARRAY(c->job, frit_port, f.info.n_inputs + 1);
    f.outputs = ARENA_ARRAY(c->job, frit_port, f.info.n_outputs + 1);
    for (uint32_t i = 0; i < f.info.n_symbols; i++) {
        f.symbols[i].struct_bytes = sizeof *f.symbols;
        a->symbol(a, i, &f.symbols[i]);
    }
    for (uint32_t i = 0; i < f.info.n_inputs; i++) {
        f.inputs[i].struct_bytes = sizeof *f.inputs;
        a->input(a, i, &f.inputs[i]);
    }
    for (uint32_t i = 0; i < f.info.n_outputs; i++) {
        f.outputs[i].struct_bytes = sizeof *f.outputs;
        a->output(a, i, &f.outputs[i]);
    }
    return f;
}

const char *port_type_text(arena *a, const frit_port *p) {
    strbuf b = {.a = a};
    strbuf_printf(&b, "%s[", dtype_name((dtype)p->dtype));
    for (uint32_t i = 0; i < p->rank; i++) strbuf_printf(&b, "%s%s", i ? ", " : "", p->dim_text[i]);
    strbuf_addc(&b, ']');
    return strbuf_text(&b);
}

static frit_tensor abi_tensor(const tensor *t) {
    return (frit_tensor){.data = t->data, .dtype = (int32_t)t->dt, .rank = (int32_t)t->rank, .dims = t->shape};
}

/* Outputs of the dims that the symbols give; states are the inputs' own memory. */
static frit_status add_outputs(cx *c, const artifact_facts *f, const tensor *inputs, session *s) {
    s->n_outputs = f->info.n_outputs;
    s->outputs = ARENA_ARRAY(c->job, tensor, s->n_outputs + 1);
    s->results = ARENA_ARRAY(c->job, frit_tensor, s->n_outputs + 1);
    for (uint32_t i = 0; i < s->n_outputs; i++) {
        tensor *t = &s->outputs[i];
        *t = (tensor){.dt = (dtype)f->outputs[i].dtype, .rank = f->outputs[i].rank};
        if (s->a->output_dims(s->a, s->symbols, i, t->shape) != FRIT_OK)
            return FAIL(c, RANGE, f->outputs[i].name, "this output would be too large");
        frit_tensor as_given = abi_tensor(t);
        int64_t count = tensor_elements(&as_given);
        if (count < 0 || count > INT64_C(1) << 44)
            return FAIL(c, RANGE, f->outputs[i].name, "this output would be too large");
        size_t n_bytes = dtype_bytes(t->dt, (size_t)count);
        t->data = arena_try_alloc(c->job, n_bytes + ALIGN, ALIGN);
        if (!t->data)
            return FAIL(c, MEMORY, f->outputs[i].name, "out of memory: this output takes %zu bytes (%s)", n_bytes,
                        report_bytes(c->scratch, (double)n_bytes));
        for (uint32_t k = 0; f->outputs[i].state != FRIT_NO_INDEX && k < f->info.n_inputs; k++)
            if (f->inputs[k].state == f->outputs[i].state) t->data = inputs[k].data;
        s->results[i] = abi_tensor(t);
    }
    return FRIT_OK;
}

/* Moves the tensors of a CUDA artifact to the GPU; host inputs stay. A state's output is its input's copy. */
static frit_status place_on_device(cx *c, const artifact_facts *f, session *s) {
    TRY(device_open(c, &s->gpu));
    for (uint32_t i = 0; i < f->info.n_inputs; i++) {
        frit_tensor *t = &s->inputs[i];
        size_t n = dtype_bytes((dtype)t->dtype, (size_t)tensor_elements(t));
        if (!f->inputs[i].is_host) TRY(device_place(c, s->gpu, t, n, true));
    }
    for (uint32_t i = 0; i < s->n_outputs; i++) {
        frit_tensor *t = &s->results[i];
        void *host = t->data;
        for (uint32_t k = 0; f->outputs[i].state != FRIT_NO_INDEX && k < f->info.n_inputs; k++)
            if (f->inputs[k].state == f->outputs[i].state) t->data = s->inputs[k].data;
        size_t n = dtype_bytes((dtype)t->dtype, (size_t)tensor_elements(t));
        if (t->data == host) TRY(device_place(c, s->gpu, t, n, false));
    }
    return FRIT_OK;
}

frit_status session_open(cx *c, const artifact_facts *f, const tensor *inputs, uint32_t n_threads,
                         const frit_trace *trace, session *out) {
    return session_open_with(c, f, inputs, &(frit_options){.n_threads = n_threads, .trace = trace}, out);
}

frit_status session_open_with(cx *c, const artifact_facts *f, const tensor *inputs, const frit_options *given,
                              session *out) {
    char text[MESSAGE_BYTES] = "";
    const frit_artifact *a = f->a;
    *out = (session){.a = a};
    out->symbols = ARENA_ARRAY(c->job, int64_t, f->info.n_symbols + 1);
    out->inputs = ARENA_ARRAY(c->job, frit_tensor, f->info.n_inputs + 1);
    for (uint32_t i = 0; i < f->info.n_inputs; i++) out->inputs[i] = abi_tensor(&inputs[i]);
    frit_status status = a->bind(a, out->inputs, out->symbols, text, sizeof text);
    if (status == FRIT_OK) status = a->check_indices(a, out->inputs, out->symbols, text, sizeof text);
    if (status != FRIT_OK) return cx_fail(c, status, NULL, "%s", text);
    TRY(add_outputs(c, f, inputs, out));
    if (str_starts(f->info.target, "cuda")) TRY(place_on_device(c, f, out));
    frit_options o = *given;
    o.struct_bytes = sizeof o;
    o.max_symbols = out->symbols;
    status = a->create(a, &o, &out->context, text, sizeof text);
    return status == FRIT_OK ? status : cx_fail(c, status, NULL, "%s", text);
}

/* Whether the artifact tells the dims of results that it counts. */
static bool tells_results(const frit_artifact *a) {
    return a->struct_bytes >= offsetof(frit_artifact, result_dims) + sizeof a->result_dims;
}

frit_status session_run(cx *c, session *s) {
    bool may_shrink = tells_results(s->a);
    for (uint32_t i = 0; may_shrink && i < s->n_outputs; i++)
        s->a->output_dims(s->a, s->symbols, i, s->outputs[i].shape); /* room for the most */
    frit_status status = s->a->run(s->context, s->inputs, s->results);
    if (status != FRIT_OK) return cx_fail(c, status, NULL, "%s", s->a->error(s->context));
    if (s->gpu) TRY(device_fetch(c, s->gpu));
    for (uint32_t i = 0; may_shrink && i < s->n_outputs; i++) s->a->result_dims(s->context, i, s->outputs[i].shape);
    return FRIT_OK;
}

void session_close(session *s) {
    if (s->context) s->a->destroy(s->context);
    s->context = NULL;
    device_close(s->gpu);
    s->gpu = NULL;
}

frit_status session_call(cx *c, const frit_artifact *a, const tensor *inputs, uint32_t n_threads, tensor *outputs) {
    artifact_facts f = artifact_facts_of(c, a);
    session s;
    frit_status status = session_open(c, &f, inputs, n_threads, NULL, &s);
    if (status == FRIT_OK) status = session_run(c, &s);
    session_close(&s);
    for (uint32_t i = 0; status == FRIT_OK && i < s.n_outputs; i++) outputs[i] = s.outputs[i];
    return status;
}
