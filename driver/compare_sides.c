/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The sides of a comparison: artifacts, models compiled as the artifact was, and the reference.
 *
 * The reference shares the emitter with what it judges, but neither rewrites nor fusion nor the order of sums: each
 * node of the model is a kernel of its own, whose contractions and sums are f64. The evaluator shares nothing. */
#include <stdio.h>
#include <string.h>

#include "driver/compare.h"
#include "driver/jit.h"
#include "ir/eval/eval.h"

void compare_say(const comparison *k, const char *fmt, ...) {
    if (!k->watch.is_terminal) return;
    va_list ap;
    va_start(ap, fmt);
    fputs("\r\033[Kfrit: ", stderr);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

/* --- options --- */

/* --cpu or --target and --arch for A's own target; nothing for the CPU of this machine. */
static frit_status add_target(comparison *k, uint32_t *n, const char **argv) {
    cx *c = k->c;
    const char *text = k->facts.info.target;
    target native;
    if (str_starts(text, "cuda ")) {
        argv[(*n)++] = "--target=cuda";
        argv[(*n)++] = arena_printf(c->job, "--arch=%s", text + strlen("cuda "));
        return FRIT_OK;
    }
    if (!str_starts(text, "cpu ")) return FAIL(c, TARGET, k->a->files[0], "is for '%s', which is not known here", text);
    TRY(target_cpu(c, "native", &native));
    const char *cpu = text + strlen("cpu ");
    if (!str_equal(cpu, native.cpu)) argv[(*n)++] = arena_printf(c->job, "--cpu=%s", cpu);
    return FRIT_OK;
}

/* The artifact's words as frit compile would take them, under those of the command line. */
static frit_status own_args(comparison *k, args *out) {
    cx *c = k->c;
    char *words = arena_strdup(c->job, k->facts.info.options), *rest = NULL;
    const char **argv = ARENA_ARRAY(c->job, const char *, strlen(words) + 8u);
    uint32_t n = 0;
    argv[n++] = "compile";
    argv[n++] = k->a->files[1];
    if (!args_has(k->a, OPT_CPU)) TRY(add_target(k, &n, argv));
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) argv[n++] = word;
    frit_status status = args_parse(c, (int)n, argv, out);
    if (status != FRIT_OK) {
        cx_prefix(c, "the options that the artifact was compiled with");
        return status;
    }
    for (int i = 0; i < N_OPTIONS; i++)
        if (k->a->options[i].n) out->options[i] = k->a->options[i];
    return FRIT_OK;
}

frit_status compare_own_options(comparison *k, compile_options *out) {
    args own;
    TRY(own_args(k, &own));
    return cli_compile_options(k->c, &own, &k->watch, out);
}

frit_status compare_reference_options(comparison *k, compile_options *out) {
    args plain = *k->a;
    plain.options[OPT_CPU].n = 0;
    plain.options[OPT_CHECKED].n = 0;
    TRY(cli_compile_options(k->c, &plain, &k->watch, out));
    out->is_unfused = true;
    return FRIT_OK;
}

/* --- running --- */

static frit_status pick_input(const comparison *k, const char *name, tensor *out) {
    for (uint32_t i = 0; i < k->facts.info.n_inputs; i++) {
        if (!str_equal(k->facts.inputs[i].name, name)) continue;
        *out = k->inputs[i];
        return FRIT_OK;
    }
    return FAIL(k->c, MISSING, k->a->files[1], "wants an input '%s' that %s does not have", name, k->a->files[0]);
}

/* A state's memory is written by the call: each side gets a copy. */
static void copy_state(comparison *k, tensor *t) {
    size_t n = dtype_bytes(t->dt, (size_t)tensor_count(t));
    void *copy = arena_alloc_aligned(k->c->job, n + 64, 64);
    memcpy(copy, t->data, n);
    t->data = copy;
}

frit_status compare_run_artifact(comparison *k, const artifact_facts *f, side *out) {
    cx *c = k->c;
    tensor *inputs = ARENA_ARRAY(c->job, tensor, f->info.n_inputs + 1u);
    for (uint32_t i = 0; i < f->info.n_inputs; i++) {
        TRY(pick_input(k, f->inputs[i].name, &inputs[i]));
        if (f->inputs[i].state != FRIT_NO_INDEX) copy_state(k, &inputs[i]);
    }
    *out = (side){.n_outputs = f->info.n_outputs};
    out->names = ARENA_ARRAY(c->job, const char *, out->n_outputs + 1u);
    out->outputs = ARENA_ARRAY(c->job, tensor, out->n_outputs + 1u);
    for (uint32_t i = 0; i < out->n_outputs; i++) out->names[i] = arena_strdup(c->job, f->outputs[i].name);
    return session_call(c, f->a, inputs, k->n_threads, out->outputs);
}

/* Code that only runs from a file. */
static frit_status run_from_file(comparison *k, graph *g, const compile_options *o, side *out) {
    loaded_artifact loaded;
    TRY(cli_open_graph(k->c, g, o, &loaded));
    artifact_facts f = artifact_facts_of(k->c, loaded.table);
    frit_status status = compare_run_artifact(k, &f, out);
    loader_close(&loaded);
    return status;
}

frit_status compare_run_graph(comparison *k, graph *g, const compile_options *o, side *out) {
    if (o->is_cuda || o->calls_openblas) return run_from_file(k, g, o, out);
    jit *code;
    TRY(jit_graph(k->c, g, o, &code));
    artifact_facts f = artifact_facts_of(k->c, jit_artifact(code));
    compare_say(k, "running %s", o->is_unfused ? "the reference" : "the model");
    frit_status status = compare_run_artifact(k, &f, out);
    jit_close(code);
    return status;
}

static frit_status evaluate(comparison *k, const graph *g, side *out) {
    cx *c = k->c;
    tensor *inputs = ARENA_ARRAY(c->job, tensor, g->inputs.n + 1u);
    for (uint32_t i = 0; i < g->inputs.n; i++) TRY(pick_input(k, g->inputs.at[i].name, &inputs[i]));
    *out = (side){.n_outputs = g->outputs.n};
    out->names = ARENA_ARRAY(c->job, const char *, out->n_outputs + 1u);
    out->outputs = ARENA_ARRAY(c->job, tensor, out->n_outputs + 1u);
    for (uint32_t i = 0; i < out->n_outputs; i++) out->names[i] = g->outputs.at[i].name;
    compare_say(k, "evaluating the model in plain loops");
    return eval_graph(c, g, c->job, inputs, out->outputs);
}

frit_status compare_run_reference(comparison *k, graph *g, side *out) {
    compile_options o;
    if (k->is_evaluated) return evaluate(k, g, out);
    TRY(compare_reference_options(k, &o));
    return compare_run_graph(k, g, &o, out);
}
