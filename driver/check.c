/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Judging one test folder. An input that decides a rank or an axis has to be known when compiling: the reader says
 * which one it wants, and it is taken from the data set. So models are compiled once for each data set that has such
 * inputs. */
#include "driver/check.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver/jit.h"
#include "driver/session.h"

enum { MAX_TENSORS = 4096, MAX_CONSTS = 64 };

/* Tensors of a data set: input_0.pb, input_1.pb, ... */
typedef struct data_set {
    const char *folder;
    uint32_t n_inputs, n_outputs;
    const_data *inputs, *outputs;
    const char **input_names; /* "" when the file does not say */
} data_set;

typedef struct folder_check {
    cx *c;
    const check_options *o;
    const char *model;
    VEC(onnx_const) consts;
    bool is_constant; /* inputs that decide extents are constants too */
    jit *code;        /* compiled with consts; NULL not yet */
    graph *g;
} folder_check;

/* --- comparing --- */

static const char *shape_text(arena *a, const tensor *t) {
    strbuf b = {.a = a};
    for (uint32_t i = 0; i < t->rank; i++) strbuf_printf(&b, i ? ", %lld" : "%lld", (long long)t->shape[i]);
    return strbuf_text(&b);
}

static bool is_close(double got, double wanted, double rtol, double atol) {
    if (isnan(wanted) || isnan(got)) return isnan(wanted) && isnan(got);
    if (isinf(wanted) || isinf(got)) return wanted == got;
    return fabs(got - wanted) <= atol + rtol * fabs(wanted);
}

static frit_status check_elements(cx *c, const char *name, const tensor *got, const tensor *wanted, double rtol,
                                  double atol) {
    int64_t n = tensor_count(wanted), n_far = 0, worst = 0;
    double worst_excess = -1;
    for (int64_t i = 0; i < n; i++) {
        double g = dtype_to_f64(got->dt, dtype_load(got->dt, got->data, (uint64_t)i));
        double w = dtype_to_f64(got->dt, dtype_load(got->dt, wanted->data, (uint64_t)i));
        if (is_close(g, w, rtol, atol)) continue;
        n_far++;
        double excess = isfinite(g) && isfinite(w) ? fabs(g - w) - rtol * fabs(w) : INFINITY;
        if (excess <= worst_excess) continue;
        worst_excess = excess;
        worst = i;
    }
    if (n_far == 0) return FRIT_OK;
    double g = dtype_to_f64(got->dt, dtype_load(got->dt, got->data, (uint64_t)worst));
    double w = dtype_to_f64(got->dt, dtype_load(got->dt, wanted->data, (uint64_t)worst));
    return FAIL(c, RANGE, NULL, "output '%s': %lld of %lld elements differ, worst at %lld: %.9g instead of %.9g", name,
                (long long)n_far, (long long)n, (long long)worst, g, w);
}

frit_status check_close(cx *c, const char *name, const tensor *got, const tensor *wanted, double rtol, double atol) {
    if (got->dt != wanted->dt)
        return FAIL(c, TYPE, NULL, "output '%s' is %s instead of %s", name, dtype_name(got->dt),
                    dtype_name(wanted->dt));
    bool is_equal = got->rank == wanted->rank;
    for (uint32_t i = 0; is_equal && i < got->rank; i++) is_equal = got->shape[i] == wanted->shape[i];
    if (!is_equal)
        return FAIL(c, SHAPE, NULL, "output '%s' is [%s] instead of [%s]", name, shape_text(c->job, got),
                    shape_text(c->job, wanted));
    return check_elements(c, name, got, wanted, rtol, atol);
}

/* --- data sets --- */

static frit_status read_tensors(cx *c, const char *folder, const char *kind, uint32_t *out_n, const_data **out,
                                const char ***out_names) {
    VEC(const_data) tensors = {0};
    VEC(const char *) names = {0};
    for (uint32_t i = 0; i < MAX_TENSORS; i++) {
        const char *path = arena_printf(c->job, "%s/%s_%u.pb", folder, kind, i), *name;
        if (access(path, F_OK)) break;
        const_data d;
        TRY(onnx_read_tensor(c, path, &d, &name));
        vec_push(c->job, tensors, d);
        vec_push(c->job, names, name);
    }
    *out_n = tensors.n;
    *out = tensors.at;
    if (out_names) *out_names = names.at;
    return FRIT_OK;
}

static frit_status read_data_set(cx *c, const char *folder, data_set *out) {
    *out = (data_set){.folder = folder};
    TRY(read_tensors(c, folder, "input", &out->n_inputs, &out->inputs, &out->input_names));
    return read_tensors(c, folder, "output", &out->n_outputs, &out->outputs, NULL);
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static uint32_t list_data_sets(cx *c, const char *folder, const char ***out) {
    VEC(const char *) found = {0};
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        if (str_starts(e->d_name, "test_data_set_"))
            vec_push(c->job, found, arena_printf(c->job, "%s/%s", folder, e->d_name));
    if (d) closedir(d);
    if (found.n) qsort(found.at, found.n, sizeof *found.at, by_name);
    *out = found.at;
    return found.n;
}

/* --- compiling with the constants it takes --- */

static const const_data *find_input(const data_set *d, const char *name) {
    for (uint32_t i = 0; i < d->n_inputs; i++)
        if (str_equal(d->input_names[i], name)) return &d->inputs[i];
    return NULL;
}

static frit_status read_model(folder_check *f, const data_set *d) {
    cx *c = f->c;
    for (uint32_t turn = 0;; turn++) {
        const char *wanted = NULL;
        onnx_options model = {
            .n_consts = f->consts.n, .consts = f->consts.at, .refuse_host_dims = f->is_constant, .out_wanted = &wanted};
        compile_options options = f->o->compile;
        options.model = &model;
        frit_status status = compile_read(c, f->model, &options, &f->g);
        const const_data *data = status == FRIT_MISSING && wanted ? find_input(d, wanted) : NULL;
        if (status == FRIT_OK || !data || turn == MAX_CONSTS) return status;
        cx_clear(c);
        vec_push(c->job, f->consts, (onnx_const){wanted, *data});
    }
}

static frit_status compile(folder_check *f, const data_set *d) {
    if (f->code && f->consts.n == 0) return FRIT_OK;
    jit_close(f->code);
    f->code = NULL;
    f->consts.n = 0;
    TRY(read_model(f, d));
    compiled *m = ARENA_NEW(f->c->job, compiled);
    TRY(compile_graph(f->c, f->g, &f->o->compile, m));
    return jit_compiled(f->c, m, &f->code);
}

/* --- running --- */

/* d as a tensor in memory of its own: in the file it may stand at any address. */
static frit_status tensor_of_const(cx *c, const const_data *d, tensor *out) {
    tensor at;
    TRY(eval_const(c, c->job, d, &at));
    TRY(tensor_alloc(c, c->job, at.dt, at.rank, at.shape, out));
    size_t n_bytes = dtype_bytes(at.dt, (size_t)tensor_count(&at));
    if (n_bytes) memcpy(out->data, at.data, n_bytes);
    return FRIT_OK;
}

/* The tensor for input i of the graph: the one of its name, else (files without names) the one at its place. */
static frit_status pick_input(folder_check *f, const data_set *d, uint32_t i, tensor *out) {
    const char *name = f->g->inputs.at[i].name;
    const const_data *data = find_input(d, name);
    if (!data && f->consts.n == 0 && i < d->n_inputs) data = &d->inputs[i];
    if (!data) return FAIL(f->c, MISSING, d->folder, "has no data for input '%s'", name);
    return tensor_of_const(f->c, data, out);
}

/* The outputs of the model, compiled as it has to be, in c->job. */
static frit_status call_model(folder_check *f, const data_set *d, tensor **outputs) {
    cx *c = f->c;
    TRY(compile(f, d));
    uint32_t n_in = f->g->inputs.n, n_out = f->g->outputs.n;
    if (d->n_outputs != n_out)
        return FAIL(c, MISSING, d->folder, "holds %u outputs, the model gives %u", d->n_outputs, n_out);
    tensor *inputs = ARENA_ARRAY(c->job, tensor, n_in + 1u);
    for (uint32_t i = 0; i < n_in; i++) TRY(pick_input(f, d, i, &inputs[i]));
    *outputs = ARENA_ARRAY(c->job, tensor, n_out + 1u);
    return session_call(c, jit_artifact(f->code), inputs, 0, *outputs);
}

static frit_status call_somehow(folder_check *f, const data_set *d, tensor **outputs) {
    frit_status status = call_model(f, d, outputs);
    bool may_help = status == FRIT_UNSUPPORTED || status == FRIT_RANGE || status == FRIT_SHAPE || status == FRIT_TYPE;
    if (f->is_constant || !may_help) return status;
    f->is_constant = true;
    jit_close(f->code);
    f->code = NULL;
    cx_clear(f->c);
    return call_model(f, d, outputs);
}

static frit_status run_data_set(folder_check *f, const char *folder) {
    cx *c = f->c;
    data_set d;
    tensor *outputs;
    TRY(read_data_set(c, folder, &d));
    TRY(call_somehow(f, &d, &outputs));
    for (uint32_t i = 0; i < d.n_outputs; i++) {
        tensor wanted;
        TRY(tensor_of_const(c, &d.outputs[i], &wanted));
        TRY(check_close(c, f->g->outputs.at[i].name, &outputs[i], &wanted, f->o->rtol, f->o->atol));
    }
    return FRIT_OK;
}

frit_status check_read(cx *c, const char *folder, bool is_constant, check_case *out) {
    check_options o = {0};
    folder_check f = {
        .c = c, .o = &o, .model = arena_printf(c->job, "%s/model.onnx", folder), .is_constant = is_constant};
    const char **sets;
    data_set d;
    if (list_data_sets(c, folder, &sets) == 0) return FAIL(c, MISSING, folder, "has no test_data_set_*");
    TRY(read_data_set(c, sets[0], &d));
    TRY(read_model(&f, &d));
    uint32_t n_in = f.g->inputs.n, n_out = f.g->outputs.n;
    if (d.n_outputs != n_out)
        return FAIL(c, MISSING, d.folder, "holds %u outputs, the model gives %u", d.n_outputs, n_out);
    *out = (check_case){
        .g = f.g, .inputs = ARENA_ARRAY(c->job, tensor, n_in + 1u), .outputs = ARENA_ARRAY(c->job, tensor, n_out + 1u)};
    for (uint32_t i = 0; i < n_in; i++) TRY(pick_input(&f, &d, i, &out->inputs[i]));
    for (uint32_t i = 0; i < n_out; i++) TRY(tensor_of_const(c, &d.outputs[i], &out->outputs[i]));
    return FRIT_OK;
}

static const char *say_consts(const folder_check *f) {
    if (f->consts.n == 0) return "";
    strbuf b = {.a = f->c->job};
    strbuf_add(&b, "with --const");
    for (uint32_t i = 0; i < f->consts.n; i++) strbuf_printf(&b, " %s", f->consts.at[i].name);
    return str_printable(arena_strdup(b.a, strbuf_text(&b)));
}

check_result check_folder(cx *c, const char *folder, const check_options *o) {
    folder_check f = {.c = c, .o = o, .model = arena_printf(c->job, "%s/model.onnx", folder)};
    if (!path_is_dir(folder)) return (check_result){CHECK_FAIL, "there is no such folder"};
    if (access(f.model, F_OK)) return (check_result){CHECK_FAIL, "has no model.onnx"};
    const char **sets;
    uint32_t n = list_data_sets(c, folder, &sets);
    if (n == 0) return (check_result){CHECK_SKIP, "has no test_data_set_*"};
    frit_status status = FRIT_OK;
    for (uint32_t i = 0; i < n && status == FRIT_OK; i++) status = run_data_set(&f, sets[i]);
    jit_close(f.code);
    if (status == FRIT_OK) return (check_result){CHECK_PASS, say_consts(&f)};
    const char *text = c->message ? c->message : frit_status_text(status);
    return (check_result){CHECK_FAIL,
                          status == FRIT_UNSUPPORTED ? arena_printf(c->job, "not supported: %s", text) : text};
}
