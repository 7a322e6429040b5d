/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit run: one call on inputs from files; outputs to .npy files or as a summary. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "driver/cli.h"
#include "driver/session.h"

enum { MAX_SHOWN = 10 };

/* Two outputs whose names differ only in characters that file names cannot have would overwrite each other. */
static frit_status output_paths(cx *c, const artifact_facts *f, const char *folder, const char **out) {
    map seen = {.a = c->scratch};
    for (uint32_t i = 0; i < f->info.n_outputs; i++) {
        const char *name = f->outputs[i].name;
        out[i] = arena_printf(c->job, "%s/%s.npy", folder, str_sanitize(c->job, name));
        uint32_t other;
        if (map_get_str(&seen, out[i], &other))
            return FAIL(c, UNSUPPORTED, name, "this output and '%s' would both be written to %s",
                        f->outputs[other].name, out[i]);
        map_set_str(&seen, out[i], i);
    }
    return FRIT_OK;
}

/* Least, greatest and mean of the numbers, and how many are none. */
typedef struct statistics {
    double least, greatest, mean;
    int64_t n_nan, n;
} statistics;

static statistics statistics_of(const tensor *t) {
    statistics s = {.least = INFINITY, .greatest = -INFINITY, .n = tensor_count(t)};
    double sum = 0;
    for (int64_t i = 0; i < s.n; i++) {
        double x = dtype_to_f64(t->dt, dtype_load(t->dt, t->data, (size_t)i));
        s.n_nan += isnan(x);
        if (isnan(x)) continue;
        s.least = fmin(s.least, x), s.greatest = fmax(s.greatest, x);
        sum += x;
    }
    if (s.n > s.n_nan) s.mean = sum / (double)(s.n - s.n_nan);
    return s;
}

/* Whole numbers to the last digit, floats as far as their type goes. */
static const char *element_text_of(arena *a, const tensor *t, size_t i) {
    scalar v = dtype_load(t->dt, t->data, i);
    if (dtype_kind_of(t->dt) == DTYPE_UINT) return arena_printf(a, "%" PRIu64, v.u);
    if (!dtype_is_float(t->dt)) return arena_printf(a, "%" PRId64, v.i);
    double x = dtype_to_f64(t->dt, v);
    return dtype_bits(t->dt) <= 32 ? arena_printf(a, "%.7g", x) : str_from_f64(a, x);
}

static void print_summary(arena *a, const char *name, const tensor *t) {
    printf("%s: %s[", str_printable(arena_strdup(a, name)), dtype_name(t->dt));
    for (uint32_t i = 0; i < t->rank; i++) printf("%s%" PRId64, i ? ", " : "", t->shape[i]);
    printf("]");
    statistics s = statistics_of(t);
    if (s.n > s.n_nan) printf("  min %.6g, max %.6g, mean %.6g", s.least, s.greatest, s.mean);
    if (s.n_nan) printf("  %" PRId64 " NaN", s.n_nan);
    printf("\n ");
    for (int64_t i = 0; i < s.n && i < MAX_SHOWN; i++) printf(" %s", element_text_of(a, t, (size_t)i));
    printf("%s\n", s.n > MAX_SHOWN ? " ..." : "");
}

static frit_status write_outputs(cx *c, const args *a, const artifact_facts *f, const session *s,
                                 const char *const *paths) {
    if (args_has(a, OPT_OUTPUT_DIR)) TRY(path_make_dir(c, args_text(a, OPT_OUTPUT_DIR)));
    for (uint32_t i = 0; i < f->info.n_outputs; i++) {
        if (args_has(a, OPT_OUTPUT_DIR))
            TRY(npy_write(c, paths[i], &s->outputs[i]));
        else
            print_summary(c->scratch, f->outputs[i].name, &s->outputs[i]);
    }
    return FRIT_OK;
}

static frit_status run_artifact(cx *c, const args *a, const frit_artifact *artifact) {
    artifact_facts f = artifact_facts_of(c, artifact);
    int64_t n_threads;
    TRY(args_int(c, a, OPT_THREADS, 1, 1024, 0, &n_threads));
    const char **paths = ARENA_ARRAY(c->job, const char *, f.info.n_outputs + 1);
    if (args_has(a, OPT_OUTPUT_DIR)) TRY(output_paths(c, &f, args_text(a, OPT_OUTPUT_DIR), paths));
    tensor *inputs = ARENA_ARRAY(c->job, tensor, f.info.n_inputs + 1);
    TRY(inputs_from_args(c, &f, a, false, inputs));
    session s;
    frit_status status = session_open(c, &f, inputs, (uint32_t)n_threads, NULL, &s);
    if (status == FRIT_OK) status = session_run(c, &s);
    session_close(&s);
    return status == FRIT_OK ? write_outputs(c, a, &f, &s, paths) : status;
}

frit_status cmd_run(cx *c, const args *a) {
    loaded_artifact loaded;
    TRY(cli_open_artifact(c, a, a->files[0], &loaded));
    frit_status status = run_artifact(c, a, loaded.table);
    loader_close(&loaded);
    return status;
}
