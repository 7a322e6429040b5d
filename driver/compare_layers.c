/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The first value of a model that differs between its code and the reference.
 *
 * All values are outputs at first: one compile and one run of each side judge them together. Visible values fuse less,
 * so a fault of fusion may hide; then single values are made visible, the rest fused as it was: the model is halved
 * between a value that is right and one that is not, and from the wrong one found the search walks on to its operands
 * as long as one of these is wrong, too. */
#include <math.h>
#include <stdio.h>

#include "driver/check.h"
#include "driver/compare.h"

enum { LABEL_BYTES = 400 };

typedef struct layer {
    const char *where; /* name in the model */
    value_id value;
    node_id node;
} layer;

typedef struct search {
    comparison *k;
    const char *path;
    const compile_options *o; /* of A */
    VEC(layer) layers;
    side wanted;       /* the reference: n_own outputs of the model, then the layers */
    uint32_t n_own;    /* outputs of the model */
    uint32_t n_judged; /* compiles for single layers */
    char first[LABEL_BYTES];
} search;

static void list_layers(search *s, const graph *g) {
    arena *a = s->k->c->job;
    const region *body = &g->regions.at[0];
    for (uint32_t i = 0; i < body->nodes.n; i++) {
        const node *n = graph_node(g, body->nodes.at[i]);
        if (n->op == OP_const || n->op == OP_from_dims) continue;
        const char *where = g->locs.at[n->loc];
        if (!*where) where = arena_printf(a, "%s %%%u", op_name(n->op), n->out);
        for (uint32_t j = 0; j < n->n_out; j++)
            vec_push(a, s->layers, (layer){arena_strdup(a, where), n->out + j, body->nodes.at[i]});
    }
}

static void show_layer(search *s, graph *g, uint32_t i) {
    const layer *l = &s->layers.at[i];
    graph_output(g, arena_printf(s->k->c->job, "layer %u: %s", i, l->where), l->value);
}

/* The largest finite magnitude in t, at least 1: sums over numbers of that size are off by rounding errors of that
 * size, however small they come out. */
static double magnitude(const tensor *t) {
    double most = 1;
    for (int64_t i = 0, n = tensor_count(t); i < n; i++) {
        double x = fabs(dtype_to_f64(t->dt, dtype_load(t->dt, t->data, (size_t)i)));
        if (isfinite(x) && x > most) most = x;
    }
    return most;
}

/* Whether layer i is close; keeps what differs as the first found. */
static bool judge(search *s, uint32_t i, const tensor *got) {
    comparison *k = s->k;
    const tensor *wanted = &s->wanted.outputs[s->n_own + i];
    cx trial = {.job = k->c->job, .scratch = k->c->scratch};
    double atol = k->atol * magnitude(wanted);
    if (check_close(&trial, s->wanted.names[s->n_own + i], got, wanted, k->rtol, atol) == FRIT_OK) return true;
    snprintf(s->first, sizeof s->first, "%s", trial.message);
    return false;
}

/* Every layer visible: how many differ, the first of them kept. */
static frit_status judge_all(search *s, graph *g, uint32_t *out_n_far) {
    side got;
    TRY(compare_run_graph(s->k, g, s->o, &got));
    *out_n_far = 0;
    for (uint32_t i = s->layers.n; i-- > 0;) *out_n_far += !judge(s, i, &got.outputs[s->n_own + i]);
    return FRIT_OK;
}

/* Layer i visible, all else as the artifact fuses it. Memory of the job returns to what it was. */
static frit_status judge_one(search *s, uint32_t i, bool *out_is_close) {
    cx *c = s->k->c;
    graph *g;
    side got;
    arena_mark mark = arena_save(c->job);
    compare_say(s->k, "layer %u of %u, trial %u", i + 1, s->layers.n, ++s->n_judged);
    TRY(cx_poll(c));
    TRY(compile_read(c, s->path, s->o, &g));
    show_layer(s, g, i);
    TRY(compare_run_graph(s->k, g, s->o, &got));
    *out_is_close = judge(s, i, &got.outputs[s->n_own]);
    s->k->watch.times.n = 0;
    s->k->watch.times.cap = 0;
    arena_release(c->job, mark);
    return FRIT_OK;
}

/* A layer that an operand of layer i is and that is not close, UINT32_MAX when there is none. */
static frit_status find_wrong_operand(search *s, const graph *g, uint32_t i, uint32_t *out) {
    const node *n = graph_node(g, s->layers.at[i].node);
    *out = UINT32_MAX;
    for (uint32_t j = 0; j < n->n_in; j++) {
        for (uint32_t l = 0; l < i; l++) {
            bool is_close = true;
            if (s->layers.at[l].value != n->in[j]) continue;
            TRY(judge_one(s, l, &is_close));
            if (!is_close) *out = l;
        }
        if (*out != UINT32_MAX) return FRIT_OK;
    }
    return FRIT_OK;
}

/* The last layer's value is an output of the model, or leads to one: some output is far, so the end counts as wrong. */
static frit_status find_hidden(search *s, const graph *g, bool *out_found) {
    uint32_t right = 0, wrong = s->layers.n; /* layers before right are taken for close */
    while (right < wrong) {
        uint32_t middle = right + (wrong - right) / 2;
        bool is_close;
        TRY(judge_one(s, middle, &is_close));
        if (is_close)
            right = middle + 1;
        else
            wrong = middle;
    }
    *out_found = wrong < s->layers.n;
    for (uint32_t at = wrong; *out_found && at != UINT32_MAX;) TRY(find_wrong_operand(s, g, at, &at));
    return FRIT_OK;
}

frit_status compare_layers(comparison *k, const char *path) {
    compile_options o;
    graph *g;
    uint32_t n_far;
    bool is_hidden = false;
    TRY(compare_own_options(k, &o));
    search s = {.k = k, .path = path, .o = &o};
    TRY(compile_read(k->c, path, &o, &g));
    list_layers(&s, g);
    s.n_own = g->outputs.n;
    for (uint32_t i = 0; i < s.layers.n; i++) show_layer(&s, g, i);
    TRY(compare_run_reference(k, g, &s.wanted));
    TRY(judge_all(&s, g, &n_far));
    if (!n_far && k->n_far) TRY(find_hidden(&s, g, &is_hidden));
    cli_clear_progress(&k->watch);
    if (n_far)
        printf("first layer that differs: %s\n%u of %u layers differ\n", str_printable(s.first), n_far, s.layers.n);
    else if (is_hidden)
        printf("first layer that differs: %s\nonly where the layers before it are fused: none of %u differs when all "
               "are visible\n",
               str_printable(s.first), s.layers.n);
    else
        printf("no layer differs (%u compared)%s\n", s.layers.n,
               k->n_far
                   ? ": what this model compiles to is right; the artifact was made from another one, or with other "
                     "--dim or --const"
                   : "");
    return FRIT_OK;
}
