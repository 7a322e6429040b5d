/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The compile pipeline, stage by stage, with clocks around the stages. */
#include "driver/compile.h"

#include <string.h>

#include "base/clock.h"
#include "driver/file_kind.h"
#include "driver/model_dims.h"
#include "passes/plan/cases.h"

/* --- stages --- */

static double stage_begin(const compile_watch *w, const char *stage) {
    if (w->stage) w->stage(w->data, stage);
    return seconds_now();
}

static void stage_end(const compile_watch *w, const char *stage, double began) {
    if (w->done) w->done(w->data, stage, seconds_now() - began);
}

/* --- reading --- */

/* A text names weights by file and key; nothing but ONNX files holds such weights so far, and those are read whole. */
static frit_status check_weights(cx *c, const graph *g) {
    for (uint32_t i = 0; i < g->nodes.n; i++) {
        const node *n = &g->nodes.at[i];
        const const_data *d = n->op == OP_const ? graph_const(g, n->out) : NULL;
        if (d && d->kind == CONST_DENSE && !d->bytes)
            return FAIL(c, UNSUPPORTED, g->locs.at[n->loc],
                        "weights by name (file(\"%s\", \"%s\")) can be printed but not compiled from .fir text yet; "
                        "compile the model "
                        "file itself",
                        d->file ? d->file : "", d->key ? d->key : "");
    }
    return FRIT_OK;
}

static frit_status read_fir(cx *c, const char *path, const mapped_file *f, const compile_options *o, graph **out) {
    const char *text = arena_strndup(c->job, (const char *)f->data, f->bytes);
    bool has_zero = strlen(text) != f->bytes;
    if (has_zero) return FAIL(c, FORMAT, path, "is not text: it holds a zero byte");
    TRY(graph_parse(c, path, text, out));
    TRY(graph_verify(c, *out));
    if (o->model && o->model->n_consts)
        return FAIL(c, UNSUPPORTED, path, "--const is for ONNX models; in a .fir text the constant itself can stand");
    return o->model ? model_dims_set(c, out, o->model->n_dims, o->model->dims) : FRIT_OK;
}

/* Kinds of model files that frit will read one day, told by their first bytes or their name. */
static const char *foreign_format(const char *path, const mapped_file *f) {
    if (f->bytes >= 4 && !memcmp(f->data, "GGUF", 4)) return "GGUF";
    if (f->bytes >= 4 && !memcmp(f->data, "PK\3\4", 4)) return "PyTorch";
    if (str_ends(path, ".safetensors")) return "safetensors";
    if (f->bytes >= 4 && !memcmp(f->data, "\177ELF", 4)) return "ELF (a compiled model is run with frit run)";
    return NULL;
}

static frit_status read_bytes(cx *c, const char *path, const mapped_file *f, const compile_options *o, graph **out) {
    if (str_ends(path, ".fir")) return read_fir(c, path, f, o, out);
    const char *foreign = foreign_format(path, f), *mistake = file_mistake(f);
    if (mistake) return FAIL(c, FORMAT, path, "%s", mistake);
    if (foreign)
        return FAIL(c, UNSUPPORTED, path, "%s files are not read yet; ONNX models and .fir texts are", foreign);
    return onnx_read(c, path, o->model, out);
}

static frit_status read_any(cx *c, const char *path, const compile_options *o, graph **out) {
    mapped_file f;
    if (o->model && o->model->bytes) {
        f = (mapped_file){.data = o->model->bytes, .bytes = o->model->n_bytes};
        return read_bytes(c, path, &f, o, out);
    }
    TRY(file_map(c, path, &f));
    frit_status status = read_bytes(c, path, &f, o, out);
    file_unmap(&f);
    return status;
}

/* A model that does not go with the ranges that --dim gives is read again without them: then it says itself which values
 * it works with. Where that does not tell, the first message stays. */
static frit_status explain_dims(cx *c, const char *path, const compile_options *o, frit_status status) {
    if (status != FRIT_SHAPE || !o->model || !o->model->n_dims) return status;
    cx trial = {.job = c->job, .scratch = c->scratch};
    onnx_options model = *o->model;
    onnx_dim_option *names = ARENA_ARRAY(c->job, onnx_dim_option, model.n_dims);
    mapped_files files = {0};
    model.n_dims = 0, model.dims = names, model.out_operators = NULL, model.out_files = &files;
    for (uint32_t i = 0; i < o->model->n_dims; i++)
        if (o->model->dims[i].kind != ONNX_DIM_RANGE) names[model.n_dims++] = o->model->dims[i];
    compile_options without = *o;
    without.model = &model;
    graph *g;
    bool is_explained = false;
    if (read_any(&trial, path, &without, &g) == FRIT_OK)
        for (uint32_t i = 0; i < o->model->n_dims && !is_explained; i++)
            is_explained = model_dims_check(&trial, g, &o->model->dims[i]) != FRIT_OK;
    compile_unmap(&files);
    if (!is_explained) return status;
    cx_clear(c);
    return cx_fail(c, trial.status, NULL, "%s", trial.message);
}

void compile_unmap(mapped_files *files) {
    for (uint32_t i = 0; i < files->n; i++) file_unmap(&files->at[i]);
    files->n = 0;
}

frit_status compile_precision(cx *c, const char *name, compile_options *o) {
    static const char *const known[] = {"f32", "bf16", "f16", "int8"};
    o->lowers_to_bf16 = str_equal(name, "bf16");
    if (!name || o->lowers_to_bf16 || str_equal(name, "f32")) return FRIT_OK;
    if (str_equal(name, "f16"))
        return FAIL(c, UNSUPPORTED, NULL,
                    "lowering a model to f16 is not built yet; bf16 is, and what is f16 in the model "
                    "itself is compiled as it is");
    if (str_equal(name, "int8"))
        return FAIL(c, UNSUPPORTED, NULL,
                    "quantising a model is not built yet; one that was quantised before is compiled "
                    "as it is, and bf16 lowers the products of any");
    return FAIL(c, USAGE, NULL, "unknown precision '%s'; known: %s", name, str_list(c->scratch, known, countof(known)));
}

frit_status compile_read(cx *c, const char *path, const compile_options *o, graph **out) {
    double began = stage_begin(&o->watch, "read");
    frit_status status = read_any(c, path, o, out);
    TRY(explain_dims(c, path, o, status));
    stage_end(&o->watch, "read", began);
    if (o->watch.graph) o->watch.graph(o->watch.data, "read", *out);
    return FRIT_OK;
}

/* --- graph to code --- */

typedef struct pass_watch {
    const compile_watch *watch;
    compiled *m; /* NULL: only told */
} pass_watch;

static void after_pass(void *data, const char *pass, const graph *g, double seconds) {
    const pass_watch *p = data;
    const compile_watch *w = p->watch;
    if (p->m && (str_equal(pass, "raise") || str_equal(pass, "raise_narrow"))) p->m->named = g;
    if (w->done) w->done(w->data, pass, seconds);
    if (w->graph) w->graph(w->data, pass, g);
}

frit_status compile_target(cx *c, const compile_options *o, target *out) {
    if (o->is_cuda) return target_cuda(c, o->arch ? o->arch : "sm_90a", out);
    return target_cpu(c, o->cpu ? o->cpu : "native", out);
}

/* Those of o, and for --unfused all that move work from one node to another. */
static void list_disabled(cx *c, const compile_options *o, pipeline_options *p) {
    static const char *const of_unfused[] = {"canonicalize",      "raise",          "raise_narrow",
                                             "raise_bf16",        "cast_pairs",     "raise_quantized",
                                             "canonicalize_core", "widen_channels", "layout"};
    const char **all = ARENA_ARRAY(c->job, const char *, o->n_disabled + countof(of_unfused));
    for (uint32_t i = 0; i < o->n_disabled; i++) all[p->n_disabled++] = o->disabled[i];
    for (uint32_t i = 0; i < countof(of_unfused) && o->is_unfused; i++) all[p->n_disabled++] = of_unfused[i];
    p->disabled = all;
}

void compile_pipeline(cx *c, const compile_options *o, pipeline_options *out) {
    const char **requested = ARENA_ARRAY(c->job, const char *, 2);
    pass_watch *watched = ARENA_NEW(c->job, pass_watch);
    *watched = (pass_watch){&o->watch, NULL};
    uint32_t n = 0;
    if (o->lowers_to_bf16) requested[n++] = "to_bf16";
    if (o->is_unfused) requested[n++] = "widen_sums";
    *out = (pipeline_options){
        .n_requested = n, .requested = requested, .is_verified = o->checked, .after = after_pass, .data = watched};
    list_disabled(c, o, out);
}

void compile_lowering(const compile_options *o, const target *t, lower_options *out) {
    *out = (lower_options){.t = t,
                           .calls_openblas = o->calls_openblas,
                           .has_direct_convs = o->has_direct_convs || o->is_unfused,
                           .is_unfused = o->is_unfused};
}

static frit_status run_passes(cx *c, const compile_options *o, compiled *m, size_case *k) {
    pipeline_options p;
    compile_pipeline(c, o, &p);
    pass_watch watched = {&o->watch, m};
    p.data = &watched;
    m->is_checked = o->checked;
    m->named = m->model;
    stage_begin(&o->watch, "passes");
    return passes_of_cases(c, m->model, &p, &m->core, k);
}

static frit_status lower(cx *c, const compile_options *o, compiled *m, size_case *k) {
    double began = stage_begin(&o->watch, "lower");
    lower_options options;
    compile_lowering(o, &m->target, &options);
    options.named = m->named;
    arena_mark mark = arena_save(c->scratch);
    frit_status status = lower_cases(c, m->core, k, &options, &m->plan);
    arena_release(c->scratch, mark);
    TRY(status);
    stage_end(&o->watch, "lower", began);
    return FRIT_OK;
}

static frit_status emit(cx *c, const compile_options *o, compiled *m) {
    double began = stage_begin(&o->watch, "emit");
    if (o->is_cuda) {
        const char *archs[] = {m->target.arch, NULL};
        cuda_options options = {.archs = archs, .n_threads = o->n_threads};
        TRY(cuda_compile(c, m->plan, &options, &m->modules));
        link_add_images(m->plan, &m->modules, &m->images);
    } else {
        cpu_options options = {.checked = o->checked,
                               .n_threads = o->n_threads,
                               .progress = o->watch.kernels,
                               .progress_data = o->watch.data};
        TRY(cpu_emit(c, m->plan, &m->target, &options, &m->objects));
    }
    stage_end(&o->watch, "emit", began);
    return FRIT_OK;
}

frit_status compile_plan(cx *c, graph *g, const compile_options *o, compiled *out) {
    *out = (compiled){.model = g};
    TRY(compile_target(c, o, &out->target));
    TRY(check_weights(c, g));
    size_case equal_sizes;
    TRY(run_passes(c, o, out, &equal_sizes));
    return lower(c, o, out, &equal_sizes);
}

frit_status compile_graph(cx *c, graph *g, const compile_options *o, compiled *out) {
    TRY(compile_plan(c, g, o, out));
    TRY(cx_poll(c));
    return emit(c, o, out);
}

/* --- the artifact --- */

static bool is_disabled(const compile_options *o, const char *pass) {
    for (uint32_t i = 0; i < o->n_disabled; i++)
        if (str_equal(o->disabled[i], pass)) return true;
    return false;
}

/* The flags that change the numbers of a result; they go into the artifact. */
static const char *numeric_options(cx *c, const compiled *m, const compile_options *o) {
    strbuf b = {.a = c->job};
    if (o->lowers_to_bf16) strbuf_add(&b, " --precision=bf16");
    if (plan_calls_openblas(m->plan)) strbuf_add(&b, " --blas=openblas");
    bool is_exact = is_disabled(o, "raise_narrow") && is_disabled(o, "cast_pairs");
    for (uint32_t i = 0; i < o->n_disabled; i++) {
        const char *pass = o->disabled[i];
        if (!is_exact || (!str_equal(pass, "raise_narrow") && !str_equal(pass, "cast_pairs")))
            strbuf_printf(&b, " --disable=%s", pass);
    }
    if (is_exact) strbuf_add(&b, " --exact-casts");
    if (o->has_direct_convs) strbuf_add(&b, " --direct-convs");
    if (o->is_unfused) strbuf_add(&b, " --unfused");
    return b.n ? strbuf_text(&b) + 1 : NULL;
}

frit_status compile_write(cx *c, const compiled *m, const compile_options *o, const char *path) {
    TRY(cx_poll(c));
    double began = stage_begin(&o->watch, "link");
    artifact_options options = {.target = &m->target,
                                .side_weights = o->side_weights,
                                .checked = m->is_checked,
                                .images = o->is_cuda ? &m->images : NULL,
                                .options = numeric_options(c, m, o)};
    TRY(artifact_write(c, m->plan, &m->objects, &options, path));
    stage_end(&o->watch, "link", began);
    return FRIT_OK;
}

frit_status compile_file(cx *c, const char *path, const compile_options *o, const char *out_path) {
    graph *g;
    compiled m;
    if (path_same(c->scratch, path, out_path)) return FAIL(c, USAGE, out_path, "this is the model itself");
    TRY(compile_read(c, path, o, &g));
    TRY(compile_graph(c, g, o, &m));
    return compile_write(c, &m, o, out_path);
}

const char *compile_backends(arena *a) { return arena_printf(a, "LLVM %s", FRIT_LLVM_VERSION); }
