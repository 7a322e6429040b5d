/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit compare: the same inputs through two compiled models, or through one and the reference of its model. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "driver/check.h"
#include "driver/compare.h"
#include "runtime/loader.h"

/* --- what differs --- */

/* How far two tensors of one type and shape are apart. */
typedef struct distance {
    int64_t n, n_different;
    double absolute, relative; /* largest |a - b|, largest |a - b| / |b|; infinite where one is NaN or infinite */
    int64_t at;                /* element of the largest absolute one */
} distance;

static distance distance_of(const tensor *a, const tensor *b) {
    distance d = {.n = tensor_count(a)};
    for (int64_t i = 0; i < d.n; i++) {
        double x = dtype_to_f64(a->dt, dtype_load(a->dt, a->data, (size_t)i));
        double y = dtype_to_f64(b->dt, dtype_load(b->dt, b->data, (size_t)i));
        /* Neighbouring integers past 2^53 are one double. */
        bool is_rounded = fabs(x) >= 0x1p53 && !dtype_is_float(a->dt) &&
                          dtype_load(a->dt, a->data, (size_t)i).i != dtype_load(b->dt, b->data, (size_t)i).i;
        if ((x == y && !is_rounded) || (isnan(x) && isnan(y))) continue;
        d.n_different++;
        double absolute = isfinite(x) && isfinite(y) ? fabs(x - y) : INFINITY;
        double relative = isfinite(absolute) && y != 0 ? absolute / fabs(y) : INFINITY;
        if (relative > d.relative) d.relative = relative;
        if (absolute <= d.absolute) continue;
        d.absolute = absolute;
        d.at = i;
    }
    return d;
}

static bool same_type(const tensor *a, const tensor *b) {
    bool is_same = a->dt == b->dt && a->rank == b->rank;
    for (uint32_t i = 0; is_same && i < a->rank; i++) is_same = a->shape[i] == b->shape[i];
    return is_same;
}

/* One line about an output of both; counts it when it is not close. */
static void compare_output(comparison *k, const char *name, const tensor *a, const tensor *b) {
    cx trial = {.job = k->c->job, .scratch = k->c->scratch};
    bool is_close = check_close(&trial, name, a, b, k->rtol, k->atol) == FRIT_OK;
    k->n_far += !is_close;
    const char *shown = str_printable(arena_strdup(k->c->scratch, name));
    if (!same_type(a, b)) {
        printf("%s: %s\n", shown, trial.message);
        return;
    }
    distance d = distance_of(a, b);
    printf("%s: %s, %" PRId64 " of %" PRId64 " elements differ", shown,
           is_close ? d.n_different ? "close" : "equal" : "FAR", d.n_different, d.n);
    if (d.n_different) printf(", by at most %.3g (element %" PRId64 "), relatively %.3g", d.absolute, d.at, d.relative);
    printf("\n");
}

static const tensor *output_named(const side *s, const char *name) {
    for (uint32_t i = 0; i < s->n_outputs; i++)
        if (str_equal(s->names[i], name)) return &s->outputs[i];
    return NULL;
}

static frit_status compare_sides(comparison *k, const side *a, const side *b) {
    for (uint32_t i = 0; i < a->n_outputs; i++) {
        const tensor *other = output_named(b, a->names[i]);
        if (!other) return FAIL(k->c, MISSING, k->a->files[1], "has no output '%s'", a->names[i]);
        compare_output(k, a->names[i], &a->outputs[i], other);
    }
    return FRIT_OK;
}

/* --- the command --- */

static frit_status compare_with_model(comparison *k, const side *a) {
    compile_options o;
    graph *g;
    side b;
    TRY(compare_reference_options(k, &o));
    TRY(compile_read(k->c, k->a->files[1], &o, &g));
    TRY(compare_run_reference(k, g, &b));
    cli_clear_progress(&k->watch);
    TRY(compare_sides(k, a, &b));
    return args_has(k->a, OPT_LAYERS) ? compare_layers(k, k->a->files[1]) : FRIT_OK;
}

static frit_status compare_with_artifact(comparison *k, const side *a) {
    if (args_has(k->a, OPT_LAYERS))
        return FAIL(k->c, USAGE, NULL,
                    "--layers needs the model as the second file: a compiled one has no layers left");
    loaded_artifact other;
    side b;
    TRY(loader_open(k->c, k->a->files[1], cli_trust(k->a), &other));
    artifact_facts f = artifact_facts_of(k->c, other.table);
    frit_status status = compare_run_artifact(k, &f, &b);
    loader_close(&other);
    TRY(status);
    return compare_sides(k, a, &b);
}

static frit_status compare_all(comparison *k) {
    cx *c = k->c;
    mapped_file second;
    side a;
    k->inputs = ARENA_ARRAY(c->job, tensor, k->facts.info.n_inputs + 1u);
    TRY(inputs_from_args(c, &k->facts, k->a, !args_has(k->a, OPT_INPUT), k->inputs));
    TRY(compare_run_artifact(k, &k->facts, &a));
    TRY(file_map(c, k->a->files[1], &second));
    bool is_artifact = note_is_elf(&second);
    file_unmap(&second);
    TRY(is_artifact ? compare_with_artifact(k, &a) : compare_with_model(k, &a));
    if (k->n_far == 0) return FRIT_OK;
    return FAIL(c, RANGE, NULL, "%u of %u outputs differ by more than %g + %g of the value", k->n_far, a.n_outputs,
                k->atol, k->rtol);
}

static frit_status read_reference(cx *c, const args *a, bool *out_is_evaluated) {
    static const char *const kinds[] = {"compiled", "evaluator"};
    const char *given = args_text(a, OPT_REFERENCE);
    *out_is_evaluated = str_equal(given, "evaluator");
    if (!given || *out_is_evaluated || str_equal(given, "compiled")) return FRIT_OK;
    return args_unknown(c, "reference", given, kinds, countof(kinds));
}

frit_status cmd_compare(cx *c, const args *a) {
    comparison k = {.c = c, .a = a};
    int64_t n_threads;
    TRY(read_reference(c, a, &k.is_evaluated));
    TRY(args_int(c, a, OPT_THREADS, 1, 1024, 0, &n_threads));
    TRY(args_f64(c, a, OPT_RTOL, 1e-3, &k.rtol));
    TRY(args_f64(c, a, OPT_ATOL, 1e-5, &k.atol));
    k.n_threads = (uint32_t)n_threads;
    loaded_artifact first;
    TRY(cli_open_artifact(c, a, a->files[0], &first));
    k.facts = artifact_facts_of(c, first.table);
    frit_status status = compare_all(&k);
    cli_clear_progress(&k.watch);
    loader_close(&first);
    return status;
}
