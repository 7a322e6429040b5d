/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Compile options from the command line, progress, times. */
#include "driver/cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "driver/model_dims.h"
#include "driver/npy.h"
#include "ir/op/attrs.h"
#include "passes/pipeline.h"

/* --- flags whose feature is not built yet: refused with a sentence, never ignored --- */

typedef struct refusal {
    opt_id option;
    const char *only; /* the value that is fine, NULL: none */
    const char *text;
} refusal;

static const refusal refusals[] = {
    {OPT_CUBLAS, NULL, "calling cuBLASLt is not built yet; frit generates matmuls itself"},
    {OPT_FAST_MATH, NULL, "no rewrite changes rounding yet, so there is nothing to allow; leave it out"},
    {OPT_TUNING, NULL, "tuning files are not built yet; schedules come from the cost model"},
};

/* The values that an option may have at all; NULL-terminated. */
static const char *const target_values[] = {"cpu", "cuda", NULL}, *const blas_values[] = {"none", "openblas", NULL},
                         *const weights_values[] = {"embed", "side", NULL};

static frit_status check_value(cx *c, const args *a, opt_id id, const char *what, const char *const *values) {
    const char *given = args_text(a, id);
    strbuf list = {.a = c->scratch};
    for (size_t n = 0; values[n]; n++) {
        if (!given || str_equal(given, values[n])) return FRIT_OK;
        strbuf_printf(&list, "%s%s", n ? ", " : "", values[n]);
    }
    return FAIL(c, USAGE, NULL, "unknown %s '%s'; known: %s", what, given, strbuf_text(&list));
}

static frit_status check_flags(cx *c, const args *a) {
    TRY(check_value(c, a, OPT_TARGET, "target", target_values));
    TRY(check_value(c, a, OPT_BLAS, "BLAS", blas_values));
    TRY(check_value(c, a, OPT_WEIGHTS, "place for weights", weights_values));
    for (size_t i = 0; i < countof(refusals); i++) {
        const refusal *r = &refusals[i];
        const char *given = args_text(a, r->option);
        if (given && !str_equal(given, r->only))
            return FAIL(c, UNSUPPORTED, args_spelling(c->scratch, r->option, given), "%s", r->text);
    }
    return FRIT_OK;
}

/* --precision, --exact-casts and --direct-convs. */
static frit_status numeric_options(cx *c, const args *a, compile_options *o) {
    const char *precision = args_text(a, OPT_PRECISION);
    frit_status status = compile_precision(c, precision, o);
    if (status == FRIT_UNSUPPORTED) cx_prefix(c, args_spelling(c->scratch, OPT_PRECISION, precision));
    TRY(status);
    o->has_direct_convs = args_has(a, OPT_DIRECT_CONVS);
    o->is_unfused = args_has(a, OPT_UNFUSED);
    if (!args_has(a, OPT_EXACT_CASTS)) return FRIT_OK;
    const char **disabled = ARENA_ARRAY(c->job, const char *, o->n_disabled + 2u);
    for (uint32_t i = 0; i < o->n_disabled; i++) disabled[i] = o->disabled[i];
    disabled[o->n_disabled++] = "raise_narrow";
    disabled[o->n_disabled++] = "cast_pairs";
    o->disabled = disabled;
    return FRIT_OK;
}

/* What --target=cuda and --arch ask for. */
static frit_status target_options(cx *c, const args *a, compile_options *o) {
    o->is_cuda = str_equal(args_text(a, OPT_TARGET), "cuda");
    o->arch = args_text(a, OPT_ARCH);
    if (o->arch && !o->is_cuda) return FAIL(c, USAGE, "--arch", "names GPUs: it needs --target=cuda");
    if (o->cpu && o->is_cuda) return FAIL(c, USAGE, "--cpu", "names a CPU: with --target=cuda give --arch=sm_XX");
    if (o->arch && strchr(o->arch, ','))
        return FAIL(c, UNSUPPORTED, "--arch", "several GPUs in one artifact are not built yet; name one");
    if (o->is_cuda && args_has(a, OPT_CHECKED))
        return FAIL(c, UNSUPPORTED, "--checked", "is for the CPU; GPU code is checked by compute-sanitizer");
    o->calls_openblas = str_equal(args_text(a, OPT_BLAS), "openblas");
    if (o->is_cuda && o->calls_openblas)
        return FAIL(c, UNSUPPORTED, "--blas=openblas",
                    "is for the CPU; with --target=cuda frit generates products itself");
    return FRIT_OK;
}

/* --- values --- */

/* NAME=FILE; of several '=' the first one behind which there is a file. */
static frit_status split_const(cx *c, const char *given, const char **out_name, const char **out_path) {
    TRY(args_pair(c, OPT_CONST, given, out_name, out_path));
    for (const char *at = strchr(given, '='); at; at = strchr(at + 1, '='))
        if (at[1] && access(at + 1, F_OK) == 0) {
            *out_name = arena_strndup(c->job, given, (size_t)(at - given));
            *out_path = at + 1;
            break;
        }
    return FRIT_OK;
}

static frit_status model_options(cx *c, const args *a, onnx_options *o) {
    o->n_dims = a->options[OPT_DIM].n;
    onnx_dim_option *dims = ARENA_ARRAY(c->job, onnx_dim_option, o->n_dims + 1u);
    for (uint32_t i = 0; i < o->n_dims; i++) TRY(model_dims_parse(c, a->options[OPT_DIM].at[i], &dims[i]));
    o->dims = dims;
    o->n_consts = a->options[OPT_CONST].n;
    onnx_const *consts = ARENA_ARRAY(c->job, onnx_const, o->n_consts + 1u);
    for (uint32_t i = 0; i < o->n_consts; i++) {
        const char *path;
        TRY(split_const(c, a->options[OPT_CONST].at[i], &consts[i].name, &path));
        TRY(cli_read_const(c, path, &consts[i].data));
    }
    o->consts = consts;
    return FRIT_OK;
}

static frit_status check_passes(cx *c, const args *a, opt_id id, bool with_read) {
    for (uint32_t i = 0; i < a->options[id].n; i++) {
        const char *name = a->options[id].at[i];
        if (!(with_read && str_equal(name, "read"))) TRY(pipeline_check_name(c, name));
    }
    return FRIT_OK;
}

/* --- watching --- */

void cli_clear_progress(const cli_watch *w) {
    if (w->is_terminal) fputs("\r\033[K", stderr);
}

static void on_stage(void *data, const char *stage) {
    const cli_watch *w = data;
    if (w->is_terminal) fprintf(stderr, "\r\033[Kfrit: %s ...", stage);
}

static void on_kernels(void *data, uint32_t done, uint32_t n) {
    const cli_watch *w = data;
    if (w->is_terminal) fprintf(stderr, "\r\033[Kfrit: kernel %u of %u", done, n);
}

static void on_done(void *data, const char *stage, double seconds) {
    cli_watch *w = data;
    vec_push(w->a, w->times, (cli_time){stage, seconds});
}

static void on_graph(void *data, const char *pass, const graph *g) {
    cli_watch *w = data;
    if (!str_equal(w->dump_after, pass)) return;
    w->has_dumped = true;
    cli_clear_progress(w);
    strbuf b = {.a = w->a};
    graph_print(&b, g);
    fputs(strbuf_text(&b), stdout);
}

frit_status cli_check_dump(cx *c, const cli_watch *w) {
    if (!w->dump_after || w->has_dumped) return FRIT_OK;
    return FAIL(c, USAGE, NULL, "--dump-after: the pass '%s' is not among those that run here", w->dump_after);
}

void cli_print_times(const cli_watch *w) {
    double sum = 0;
    for (uint32_t i = 0; i < w->times.n; i++) sum += w->times.at[i].seconds;
    for (uint32_t i = 0; i < w->times.n; i++)
        fprintf(stderr, "%9.3f ms  %s\n", 1e3 * w->times.at[i].seconds, w->times.at[i].stage);
    fprintf(stderr, "%9.3f ms  together\n", 1e3 * sum);
}

frit_status cli_compile_options(cx *c, const args *a, cli_watch *w, compile_options *out) {
    *out = (compile_options){.cpu = args_text(a, OPT_CPU),
                             .n_disabled = a->options[OPT_DISABLE].n,
                             .disabled = a->options[OPT_DISABLE].at,
                             .checked = args_has(a, OPT_CHECKED),
                             .side_weights = str_equal(args_text(a, OPT_WEIGHTS), "side")};
    TRY(check_flags(c, a));
    TRY(target_options(c, a, out));
    TRY(numeric_options(c, a, out));
    TRY(check_passes(c, a, OPT_DISABLE, false));
    TRY(check_passes(c, a, OPT_DUMP_AFTER, true));
    int64_t n_threads;
    TRY(args_int(c, a, OPT_JOBS, 1, 1024, 0, &n_threads));
    out->n_threads = (uint32_t)n_threads;
    onnx_options *model = ARENA_NEW(c->job, onnx_options);
    TRY(model_options(c, a, model));
    out->model = model;
    if (!w) return FRIT_OK;
    *w = (cli_watch){.a = c->job, .dump_after = args_text(a, OPT_DUMP_AFTER), .is_terminal = isatty(2) == 1};
    out->watch = (compile_watch){w, on_stage, on_kernels, on_done, on_graph};
    return FRIT_OK;
}

/* --- files --- */

frit_status cli_read_const(cx *c, const char *path, const_data *out) {
    tensor t;
    TRY(tensor_file_read(c, path, FRIT_DT_NONE, &t));
    *out = (const_data){.kind = CONST_DENSE, .dt = t.dt, .dims = int_list_of(c->job, t.rank, t.shape), .bytes = t.data};
    return FRIT_OK;
}

frit_status cli_write_text(cx *c, const char *path, const char *text) {
    if (str_equal(path, "-")) {
        fputs(text, stdout);
        return FRIT_OK;
    }
    file_writer w;
    TRY(file_begin(c, path, &w));
    frit_status status = file_write(c, &w, text, strlen(text));
    if (status == FRIT_OK) return file_commit(c, &w);
    file_abort(&w);
    return status;
}
