/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The compiling half of frit.h: a tracer's graph through the pipeline, into this process or into a file; and models
 * that own what came out. Each compile has arenas of its own, so that a model outlives its tracer. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "driver/jit.h"
#include "driver/model_dims.h"
#include "driver/npy.h"
#include "driver/report.h"
#include "frit.h"
#include "frontend/trace/trace.h"
#include "ir/op/attrs.h"
#include "runtime/runtime.h"

enum { MESSAGE_BYTES = 512, MOST_THREADS = 1024 };

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

/* What a compile needs beside the graph: options as the pipeline wants them, and the files of a model that was read. */
typedef struct request {
    compile_options options;
    onnx_options model;
    const char *report; /* NULL: none */
    mapped_files files;
} request;

/* The caller's struct, as far as it goes, as this version's. */
static frit_status full_options(cx *c, const frit_compile_options *o, frit_compile_options *out) {
    enum { MOST_BYTES = 4096 };
    *out = (frit_compile_options){.struct_bytes = sizeof *out};
    if (!o) return FRIT_OK;
    if (o->struct_bytes < sizeof o->struct_bytes || o->struct_bytes > MOST_BYTES)
        return FAIL(c, USAGE, NULL, "frit_compile_options.struct_bytes is %u; set it to sizeof(frit_compile_options)",
                    o->struct_bytes);
    for (size_t i = sizeof *out; i < o->struct_bytes; i++)
        if (((const char *)o)[i])
            return FAIL(c, UNSUPPORTED, NULL,
                        "frit_compile_options asks for something that this version of frit (" FRIT_VERSION
                        ") does not know");
    memcpy(out, o, o->struct_bytes < sizeof *out ? o->struct_bytes : sizeof *out);
    return FRIT_OK;
}

static frit_status target_options(cx *c, const frit_compile_options *o, compile_options *out) {
    out->is_cuda = str_equal(o->target, "cuda");
    out->arch = o->arch;
    if (o->target && !out->is_cuda && !str_equal(o->target, "cpu"))
        return FAIL(c, USAGE, NULL, "unknown target '%s'; known: cpu, cuda", o->target);
    if (o->arch && !out->is_cuda) return FAIL(c, USAGE, "arch", "names a GPU: it needs target \"cuda\"");
    if (!out->is_cuda) return FRIT_OK;
    if (o->cpu) return FAIL(c, USAGE, "cpu", "names a CPU: with target \"cuda\" give arch");
    if (o->is_checked) return FAIL(c, UNSUPPORTED, "is_checked", "is for the CPU");
    if (o->calls_openblas) return FAIL(c, UNSUPPORTED, "calls_openblas", "is for the CPU");
    return FRIT_OK;
}

static frit_status const_options(cx *c, const frit_compile_options *o, onnx_options *out) {
    onnx_const *consts = ARENA_ARRAY(c->job, onnx_const, o->n_consts + 1u);
    if (o->n_consts && !o->consts) return FAIL(c, USAGE, NULL, "consts is NULL, n_consts is %u", o->n_consts);
    for (uint32_t i = 0; i < o->n_consts; i++) {
        const frit_tensor *t = &o->consts[i].value;
        const char *name = o->consts[i].name;
        if (!name) return FAIL(c, USAGE, NULL, "consts[%u] has no name", i);
        bool is_fine = t->data && !t->strides && t->rank >= 0 && t->rank <= FRIT_MAX_RANK && (!t->rank || t->dims) &&
                       element_bits((uint32_t)t->dtype) && tensor_elements(t) >= 0;
        if (!is_fine) return FAIL(c, USAGE, name, "this constant is no row-major tensor with data");
        size_t n_bytes = dtype_bytes((dtype)t->dtype, (size_t)tensor_elements(t));
        consts[i] = (onnx_const){name,
                                 {.kind = CONST_DENSE,
                                  .dt = (dtype)t->dtype,
                                  .dims = int_list_of(c->job, (uint32_t)t->rank, t->dims),
                                  .bytes = arena_copy(c->job, t->data, n_bytes)}};
    }
    out->n_consts = o->n_consts, out->consts = consts;
    return FRIT_OK;
}

static frit_status dim_options(cx *c, const frit_compile_options *o, onnx_options *out) {
    onnx_dim_option *dims = ARENA_ARRAY(c->job, onnx_dim_option, o->n_dims + 1u);
    if (o->n_dims && !o->dims) return FAIL(c, USAGE, NULL, "dims is NULL, n_dims is %u", o->n_dims);
    for (uint32_t i = 0; i < o->n_dims; i++) {
        if (!o->dims[i]) return FAIL(c, USAGE, NULL, "dims[%u] is NULL", i);
        TRY(model_dims_parse(c, arena_strdup(c->job, o->dims[i]), &dims[i]));
    }
    out->n_dims = o->n_dims, out->dims = dims;
    return FRIT_OK;
}

static frit_status read_options(cx *c, const frit_compile_options *given, request *out) {
    frit_compile_options o;
    *out = (request){.report = NULL};
    TRY(full_options(c, given, &o));
    if (o.n_threads > MOST_THREADS)
        return FAIL(c, USAGE, NULL, "n_threads is %u; %d at most", o.n_threads, MOST_THREADS);
    out->options = (compile_options){.cpu = o.cpu,
                                     .n_threads = o.n_threads,
                                     .checked = o.is_checked,
                                     .side_weights = o.side_weights,
                                     .calls_openblas = o.calls_openblas,
                                     .model = &out->model};
    out->report = o.report;
    out->model.out_files = &out->files;
    TRY(target_options(c, &o, &out->options));
    TRY(compile_precision(c, o.precision, &out->options));
    TRY(dim_options(c, &o, &out->model));
    return const_options(c, &o, &out->model);
}

static frit_status write_report(cx *c, const compiled *m, const char *path) {
    report_head head = {.file = "in the process", .flags = ""};
    return path ? report_write(c, report_new(c, m, &head), path) : FRIT_OK;
}

static frit_status fill_model(frit_model *m, cx *c, graph *g, const request *r) {
    if (r->options.is_cuda)
        return FAIL(c, UNSUPPORTED, NULL, "code for a GPU only runs from a file: write an artifact");
    compiled *code = ARENA_NEW(c->job, compiled);
    TRY(graph_verify(c, g));
    TRY(compile_graph(c, g, &r->options, code));
    TRY(jit_compiled(c, code, &m->code));
    TRY(write_report(c, code, r->report));
    m->artifact = jit_artifact(m->code);
    frit_artifact_info info = {.struct_bytes = sizeof info};
    TRY(m->artifact->info(m->artifact, &info));
    m->n_symbols = info.n_symbols;
    m->symbols = ARENA_ARRAY(c->job, int64_t, info.n_symbols + 1u);
    m->max_symbols = ARENA_ARRAY(c->job, int64_t, info.n_symbols + 1u);
    return FRIT_OK;
}

/* An empty model in its own arena. */
static frit_model *model_new(void) {
    arena job;
    arena_init(&job);
    frit_model *m = ARENA_NEW(&job, frit_model);
    m->job = job;
    arena_init(&m->scratch);
    return m;
}

/* The artifact and its report, or neither. */
static frit_status write_files(cx *c, graph *g, const request *r, const char *path) {
    compiled m;
    TRY(graph_verify(c, g));
    TRY(compile_graph(c, g, &r->options, &m));
    TRY(compile_write(c, &m, &r->options, path));
    frit_status status = write_report(c, &m, r->report);
    if (status == FRIT_OK) return status;
    unlink(path);
    if (r->options.side_weights) unlink(arena_printf(c->job, "%s.weights", path));
    return status;
}

/* ---- of a tracer ---- */

/* Compiles the recorded program with the dims that the options ask for; the tracer's own ranges stay as they are. */
static frit_status with_dims(cx *c, frit_tracer *t, const frit_compile_options *o,
                             frit_status (*use)(cx *c, graph *g, const request *r, void *to), void *to) {
    request r;
    TRY(read_options(c, o, &r));
    if (r.model.n_consts) return FAIL(c, UNSUPPORTED, "consts", "are for model files; record a constant instead");
    graph *g = trace_graph(t);
    uint32_t n = dim_n_syms(g->dims);
    sym_info *before = ARENA_ARRAY(c->job, sym_info, n + 1u);
    for (sym_id s = 0; s < n; s++) before[s] = *dim_sym_info(g->dims, s);
    frit_status status = model_dims_set(c, &g, r.model.n_dims, r.model.dims);
    if (status == FRIT_OK) status = use(c, g, &r, to);
    for (sym_id s = 0; s < n; s++) *dim_sym_info(g->dims, s) = before[s];
    return status;
}

static frit_status use_in_process(cx *c, graph *g, const request *r, void *to) { return fill_model(to, c, g, r); }

static frit_status use_in_file(cx *c, graph *g, const request *r, void *to) { return write_files(c, g, r, to); }

frit_status frit_compile(frit_tracer *t, const frit_compile_options *o, frit_model **out) {
    if (out) *out = NULL;
    if (!t || !out) return FRIT_USAGE;
    trace_set_trouble(t, NULL);
    TRY(trace_finish(t));
    frit_model *m = model_new();
    cx c = {.job = &m->job, .scratch = &m->scratch};
    frit_status status = with_dims(&c, t, o, use_in_process, m);
    if (status == FRIT_OK) {
        *out = m;
        return FRIT_OK;
    }
    trace_set_trouble(t, c.message ? c.message : frit_status_text(status));
    frit_model_destroy(m);
    return status;
}

frit_status frit_save(frit_tracer *t, const frit_compile_options *o, const char *path) {
    if (!t) return FRIT_USAGE;
    trace_set_trouble(t, NULL);
    TRY(trace_finish(t));
    arena job, scratch;
    arena_init(&job);
    arena_init(&scratch);
    cx c = {.job = &job, .scratch = &scratch};
    frit_status status = path ? with_dims(&c, t, o, use_in_file, arena_strdup(&job, path))
                              : FAIL(&c, USAGE, NULL, "frit_save needs a path");
    if (status != FRIT_OK) trace_set_trouble(t, c.message ? c.message : frit_status_text(status));
    arena_fini(&scratch);
    arena_fini(&job);
    return status;
}

/* ---- of a model that exists ---- */

/* Why a call failed, for its caller: "" when it did not. */
static void tell(const cx *c, frit_status status, char *text, uint64_t text_bytes) {
    if (!text || !text_bytes) return;
    const char *why = status == FRIT_OK ? "" : c->message ? c->message : frit_status_text(status);
    snprintf(text, text_bytes, "%s", why);
}

static frit_status compile_source(cx *c, const frit_source *source, const frit_compile_options *o, frit_model *m) {
    request r;
    graph *g;
    if (!source || (!source->path && !source->bytes))
        return FAIL(c, USAGE, NULL, "frit_compile_model needs a path or bytes");
    TRY(read_options(c, o, &r));
    r.model.bytes = source->bytes;
    r.model.n_bytes = source->n_bytes;
    frit_status status = compile_read(c, source->path ? source->path : "model", &r.options, &g);
    if (status == FRIT_OK) status = fill_model(m, c, g, &r);
    compile_unmap(&r.files);
    return status;
}

frit_status frit_compile_model(const frit_source *source, const frit_compile_options *o, frit_model **out, char *text,
                               uint64_t text_bytes) {
    if (!out) return FRIT_USAGE;
    *out = NULL;
    frit_model *m = model_new();
    cx c = {.job = &m->job, .scratch = &m->scratch};
    frit_status status = compile_source(&c, source, o, m);
    tell(&c, status, text, text_bytes);
    if (status == FRIT_OK)
        *out = m;
    else
        frit_model_destroy(m);
    return status;
}

static frit_status compile_to_file(cx *c, const char *model, const frit_compile_options *o, const char *path) {
    request r;
    graph *g;
    if (!model || !path) return FAIL(c, USAGE, NULL, "frit_compile_file needs a model and a path");
    TRY(read_options(c, o, &r));
    if (path_same(c->scratch, model, path)) return FAIL(c, USAGE, path, "this is the model itself");
    frit_status status = compile_read(c, model, &r.options, &g);
    if (status == FRIT_OK) status = write_files(c, g, &r, path);
    compile_unmap(&r.files);
    return status;
}

frit_status frit_compile_file(const char *model, const frit_compile_options *o, const char *path, char *text,
                              uint64_t text_bytes) {
    arena job, scratch;
    arena_init(&job);
    arena_init(&scratch);
    cx c = {.job = &job, .scratch = &scratch};
    frit_status status = compile_to_file(&c, model, o, path);
    tell(&c, status, text, text_bytes);
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
