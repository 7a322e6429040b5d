/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The compiling half of frit.h: a tracer's graph through the pipeline, into this process or into a file; and models
 * that own what came out. Each compile has arenas of its own, so that a model outlives its tracer. */
#include <stdio.h>
#include <string.h>

#include "driver/jit.h"
#include "driver/npy.h"
#include "frit.h"
#include "frontend/trace/trace.h"

enum { MESSAGE_BYTES = 512 };

struct frit_model {
    arena job, scratch;
    jit *code;
    const frit_artifact *artifact;
    uint32_t n_symbols;
    int64_t *symbols;      /* of the call being made */
    int64_t *max_symbols;  /* what context can hold */
    frit_context *context; /* of frit_run, NULL before the first call */
    char message[MESSAGE_BYTES];
};

/* ---- texts and files ---- */

static frit_status print_text(frit_tracer *t, cx *c, bool is_plain, const char **out) {
    graph *g = trace_graph(t);
    if (is_plain) TRY(graph_plain(c, g, &g));
    strbuf b = {.a = c->job};
    graph_print(&b, g);
    *out = strbuf_text(&b);
    return FRIT_OK;
}

const char *frit_text(frit_tracer *t, bool is_plain) {
    if (!trace_is_ok(t)) return NULL;
    arena job, scratch;
    arena_init(&job);
    arena_init(&scratch);
    cx c = {.job = &job, .scratch = &scratch};
    const char *text = NULL;
    if (print_text(t, &c, is_plain, &text) == FRIT_OK)
        text = arena_strdup(&t->job, text);
    else
        trace_set_trouble(t, c.message);
    arena_fini(&scratch);
    arena_fini(&job);
    return text;
}

frit_value *frit_constant_npy_at(const char *where, frit_tracer *t, const char *path) {
    if (!trace_is_ok(t)) return trace_nothing(t);
    if (!path) return trace_fail(t, where, FRIT_USAGE, "a file needs a path");
    tensor x;
    arena_mark mark = arena_save(&t->scratch);
    frit_status status = npy_read(&t->c, path, FRIT_DT_NONE, &x);
    arena_release(&t->scratch, mark);
    if (status != FRIT_OK) {
        if (where) cx_prefix(&t->c, where);
        return trace_nothing(t);
    }
    return frit_constant_at(where, t, x.dt, (frit_list){x.rank, x.shape}, x.data);
}

/* ---- compiling ---- */

static compile_options options_of(const frit_compile_options *o) {
    if (!o) return (compile_options){0};
    return (compile_options){.cpu = o->cpu,
                             .n_threads = o->n_threads,
                             .checked = o->is_checked,
                             .side_weights = o->side_weights,
                             .calls_openblas = o->calls_openblas};
}

#define RESERVED_TEXT "frit_compile_options.reserved must be zero"

static bool is_known(const frit_compile_options *o) {
    for (size_t i = 0; o && i < countof(o->reserved); i++)
        if (o->reserved[i]) return false;
    return true;
}

static frit_status check_options(frit_tracer *t, const frit_compile_options *o) {
    if (is_known(o)) return FRIT_OK;
    trace_set_trouble(t, RESERVED_TEXT);
    return FRIT_USAGE;
}

static frit_status fill_model(frit_model *m, cx *c, graph *g, const compile_options *o) {
    TRY(graph_verify(c, g));
    TRY(jit_graph(c, g, o, &m->code));
    m->artifact = jit_artifact(m->code);
    frit_artifact_info info = {.struct_bytes = sizeof info};
    TRY(m->artifact->info(m->artifact, &info));
    m->n_symbols = info.n_symbols;
    m->symbols = ARENA_ARRAY(c->job, int64_t, info.n_symbols + 1u);
    m->max_symbols = ARENA_ARRAY(c->job, int64_t, info.n_symbols + 1u);
    return FRIT_OK;
}

frit_status frit_compile(frit_tracer *t, const frit_compile_options *o, frit_model **out) {
    if (out) *out = NULL;
    if (!t || !out) return FRIT_USAGE;
    trace_set_trouble(t, NULL);
    TRY(trace_finish(t));
    TRY(check_options(t, o));
    arena job;
    arena_init(&job);
    frit_model *m = ARENA_NEW(&job, frit_model);
    m->job = job;
    arena_init(&m->scratch);
    cx c = {.job = &m->job, .scratch = &m->scratch};
    compile_options options = options_of(o);
    frit_status status = fill_model(m, &c, trace_graph(t), &options);
    if (status == FRIT_OK) {
        *out = m;
        return FRIT_OK;
    }
    trace_set_trouble(t, c.message ? c.message : frit_status_text(status));
    frit_model_destroy(m);
    return status;
}

static frit_status save(cx *c, graph *g, const compile_options *o, const char *path) {
    compiled m;
    TRY(graph_verify(c, g));
    TRY(compile_graph(c, g, o, &m));
    return compile_write(c, &m, o, path);
}

frit_status frit_save(frit_tracer *t, const frit_compile_options *o, const char *path) {
    if (!t) return FRIT_USAGE;
    trace_set_trouble(t, NULL);
    TRY(trace_finish(t));
    TRY(check_options(t, o));
    arena job, scratch;
    arena_init(&job);
    arena_init(&scratch);
    cx c = {.job = &job, .scratch = &scratch};
    compile_options options = options_of(o);
    frit_status status =
        path ? save(&c, trace_graph(t), &options, path) : FAIL(&c, USAGE, NULL, "frit_save needs a path");
    if (status != FRIT_OK) trace_set_trouble(t, c.message ? c.message : frit_status_text(status));
    arena_fini(&scratch);
    arena_fini(&job);
    return status;
}

frit_status frit_compile_file(const char *model, const frit_compile_options *o, const char *path, char *message,
                              uint64_t message_bytes) {
    arena job, scratch;
    arena_init(&job);
    arena_init(&scratch);
    cx c = {.job = &job, .scratch = &scratch};
    compile_options options = options_of(o);
    frit_status status = FRIT_OK;
    if (!model || !path)
        status = FAIL(&c, USAGE, NULL, "frit_compile_file needs a model and a path");
    else if (!is_known(o))
        status = FAIL(&c, USAGE, NULL, RESERVED_TEXT);
    else
        status = compile_file(&c, model, &options, path);
    if (message && message_bytes)
        snprintf(message, message_bytes, "%s",
                 status == FRIT_OK ? ""
                 : c.message       ? c.message
                                   : frit_status_text(status));
    arena_fini(&scratch);
    arena_fini(&job);
    return status;
}

/* ---- models ---- */

void frit_model_destroy(frit_model *m) {
    if (!m) return;
    if (m->context) m->artifact->destroy(m->context);
    jit_close(m->code);
    arena_fini(&m->scratch);
    arena job = m->job; /* holds m itself */
    arena_fini(&job);
}

const frit_artifact *frit_model_artifact(const frit_model *m) { return m ? m->artifact : NULL; }
const char *frit_model_error(const frit_model *m) { return m ? m->message : "there is no model"; }

/* Makes the context hold m->symbols: a larger one when the one that is there does not. */
static frit_status grow_context(frit_model *m) {
    bool fits = m->context != NULL;
    for (uint32_t i = 0; i < m->n_symbols; i++) {
        if (m->symbols[i] <= m->max_symbols[i]) continue;
        m->max_symbols[i] = m->symbols[i];
        fits = false;
    }
    if (fits) return FRIT_OK;
    if (m->context) m->artifact->destroy(m->context);
    m->context = NULL;
    frit_options o = {.struct_bytes = sizeof o, .max_symbols = m->max_symbols};
    return m->artifact->create(m->artifact, &o, &m->context, m->message, sizeof m->message);
}

frit_status frit_run(frit_model *m, const frit_tensor *inputs, const frit_tensor *outputs) {
    if (!m) return FRIT_USAGE;
    m->message[0] = 0;
    TRY(m->artifact->bind(m->artifact, inputs, m->symbols, m->message, sizeof m->message));
    TRY(grow_context(m));
    frit_status status = m->artifact->run(m->context, inputs, outputs);
    if (status != FRIT_OK) {
        strncpy(m->message, m->artifact->error(m->context), sizeof m->message - 1);
        m->message[sizeof m->message - 1] = 0;
    }
    return status;
}
