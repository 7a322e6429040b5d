/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit compare: the same inputs through two compiled models, or through one and the evaluator on its model. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "driver/check.h"
#include "driver/cli.h"
#include "driver/jit.h"
#include "driver/session.h"
#include "runtime/loader.h"

/* One side: its outputs by name. */
typedef struct side {
    uint32_t n_outputs;
    const char **names;
    tensor *outputs;
} side;

typedef struct comparison {
    cx *c;
    const args *a;
    artifact_facts facts; /* of A */
    tensor *inputs;       /* of A, in its order */
    double rtol, atol;
    uint32_t n_threads;
    uint32_t n_far; /* outputs that are not close */
} comparison;

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

/* --- running a side --- */

static const tensor *input_named(const comparison *k, const char *name) {
    for (uint32_t i = 0; i < k->facts.info.n_inputs; i++)
        if (str_equal(k->facts.inputs[i].name, name)) return &k->inputs[i];
    return NULL;
}

static frit_status pick_input(const comparison *k, const char *name, tensor *out) {
    const tensor *t = input_named(k, name);
    if (!t)
        return FAIL(k->c, MISSING, k->a->files[1], "wants an input '%s' that %s does not have", name, k->a->files[0]);
    *out = *t;
    return FRIT_OK;
}

static frit_status run_artifact(comparison *k, const artifact_facts *f, side *out) {
    cx *c = k->c;
    tensor *inputs = ARENA_ARRAY(c->job, tensor, f->info.n_inputs + 1u);
    for (uint32_t i = 0; i < f->info.n_inputs; i++) TRY(pick_input(k, f->inputs[i].name, &inputs[i]));
    *out = (side){.n_outputs = f->info.n_outputs};
    out->names = ARENA_ARRAY(c->job, const char *, out->n_outputs + 1u);
    out->outputs = ARENA_ARRAY(c->job, tensor, out->n_outputs + 1u);
    for (uint32_t i = 0; i < out->n_outputs; i++) out->names[i] = arena_strdup(c->job, f->outputs[i].name);
    return session_call(c, f->a, inputs, k->n_threads, out->outputs);
}

static frit_status evaluate(comparison *k, const graph *g, side *out) {
    cx *c = k->c;
    tensor *inputs = ARENA_ARRAY(c->job, tensor, g->inputs.n + 1u);
    for (uint32_t i = 0; i < g->inputs.n; i++) TRY(pick_input(k, g->inputs.at[i].name, &inputs[i]));
    *out = (side){.n_outputs = g->outputs.n};
    out->names = ARENA_ARRAY(c->job, const char *, out->n_outputs + 1u);
    out->outputs = ARENA_ARRAY(c->job, tensor, out->n_outputs + 1u);
    for (uint32_t i = 0; i < out->n_outputs; i++) out->names[i] = g->outputs.at[i].name;
    return eval_graph(c, g, c->job, inputs, out->outputs);
}

/* --- layers: the model once more, each of its values an output --- */

typedef struct layer {
    const char *where; /* name in the model */
    value_id value;
} layer;
typedef VEC(layer) layer_vec;

static layer_vec list_layers(cx *c, const graph *g) {
    layer_vec out = {0};
    const region *body = &g->regions.at[0];
    for (uint32_t i = 0; i < body->nodes.n; i++) {
        const node *n = graph_node(g, body->nodes.at[i]);
        if (n->op == OP_const || n->op == OP_from_dims) continue;
        const char *where = g->locs.at[n->loc];
        if (!*where) where = arena_printf(c->job, "%s %%%u", op_name(n->op), n->out);
        for (uint32_t j = 0; j < n->n_out; j++) vec_push(c->job, out, (layer){where, n->out + j});
    }
    return out;
}

/* Compiled with all layers visible, against the evaluator: *out_first is the first that is not close, NULL none. */
static frit_status find_layer(comparison *k, graph *g, const compile_options *o, const layer_vec *layers, uint32_t only,
                              const char **out_first) {
    cx *c = k->c;
    uint32_t n_own = g->outputs.n;
    for (uint32_t i = 0; i < layers->n; i++)
        if (only == UINT32_MAX || only == i)
            graph_output(g, arena_printf(c->job, "layer %u: %s", i, layers->at[i].where), layers->at[i].value);
    side wanted, got;
    TRY(evaluate(k, g, &wanted));
    jit *code;
    TRY(jit_graph(c, g, o, &code));
    artifact_facts f = artifact_facts_of(c, jit_artifact(code));
    frit_status status = run_artifact(k, &f, &got);
    jit_close(code);
    TRY(status);
    *out_first = NULL;
    for (uint32_t i = n_own; i < wanted.n_outputs && !*out_first; i++) {
        cx trial = {.job = c->job, .scratch = c->scratch};
        if (check_close(&trial, wanted.names[i], &got.outputs[i], &wanted.outputs[i], k->rtol, k->atol) != FRIT_OK)
            *out_first = trial.message;
    }
    return FRIT_OK;
}

static frit_status compare_layers(comparison *k, const char *path, const compile_options *o) {
    graph *g;
    TRY(compile_read(k->c, path, o, &g));
    layer_vec layers = list_layers(k->c, g);
    const char *first = NULL;
    TRY(find_layer(k, g, o, &layers, UINT32_MAX, &first));
    /* Visible layers fuse less: a fault of fusion may hide. So each layer is looked at alone, the rest fused. */
    for (uint32_t i = 0; i < layers.n && !first && k->n_far; i++) {
        TRY(compile_read(k->c, path, o, &g));
        TRY(find_layer(k, g, o, &layers, i, &first));
    }
    if (first)
        printf("first layer that differs: %s\n", first);
    else
        printf("no layer differs (%u compared)\n", layers.n);
    return FRIT_OK;
}

/* --- the command --- */

static frit_status compare_with_model(comparison *k, const side *a) {
    compile_options o;
    graph *g;
    side b;
    TRY(cli_compile_options(k->c, k->a, NULL, &o));
    TRY(compile_read(k->c, k->a->files[1], &o, &g));
    TRY(evaluate(k, g, &b));
    TRY(compare_sides(k, a, &b));
    return args_has(k->a, OPT_LAYERS) ? compare_layers(k, k->a->files[1], &o) : FRIT_OK;
}

static frit_status compare_with_artifact(comparison *k, const side *a) {
    if (args_has(k->a, OPT_LAYERS))
        return FAIL(k->c, USAGE, NULL,
                    "--layers needs the model as the second file: a compiled one has no layers left");
    loaded_artifact other;
    side b;
    TRY(loader_open(k->c, k->a->files[1], cli_trust(k->a), &other));
    artifact_facts f = artifact_facts_of(k->c, other.table);
    frit_status status = run_artifact(k, &f, &b);
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
    TRY(run_artifact(k, &k->facts, &a));
    TRY(file_map(c, k->a->files[1], &second));
    bool is_artifact = note_is_elf(&second);
    file_unmap(&second);
    TRY(is_artifact ? compare_with_artifact(k, &a) : compare_with_model(k, &a));
    if (k->n_far == 0) return FRIT_OK;
    return FAIL(c, RANGE, NULL, "%u of %u outputs differ by more than %g + %g of the value", k->n_far, a.n_outputs,
                k->atol, k->rtol);
}

frit_status cmd_compare(cx *c, const args *a) {
    comparison k = {.c = c, .a = a};
    int64_t n_threads;
    TRY(args_int(c, a, OPT_THREADS, 1, 1024, 0, &n_threads));
    TRY(args_f64(c, a, OPT_RTOL, 1e-3, &k.rtol));
    TRY(args_f64(c, a, OPT_ATOL, 1e-5, &k.atol));
    k.n_threads = (uint32_t)n_threads;
    loaded_artifact first;
    TRY(cli_open_artifact(c, a, a->files[0], &first));
    k.facts = artifact_facts_of(c, first.table);
    frit_status status = compare_all(&k);
    loader_close(&first);
    return status;
}
