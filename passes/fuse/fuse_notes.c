/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the report says of fusion: which nodes each group computes, members and whatever is computed along with them,
 * and one sentence for each tensor that one kernel writes and another reads. */
#include "passes/fuse/fuse.h"

#include <stdlib.h>

/* A walk back from a group's members through all that is computed inside it, to the stored values that it reads. */
typedef struct notes_cx {
    fusion *f;
    uint32_t reader;  /* group at hand */
    bool is_operand;  /* of its anchor, rather than of what is computed behind it */
    uint32_t *seen;   /* value -> reader + 1 */
    uint32_t *held;   /* node -> reader + 1 */
    uint32_t *writer; /* value -> group that stores it, GROUP_NONE */
} notes_cx;

const char *fuse_value_label(const fusion *f, value_id v) {
    const value *x = graph_value(f->g, v);
    if (x->name) return x->name;
    const node *n = graph_def(f->g, v);
    const char *loc = n ? f->g->locs.at[n->loc] : "";
    return *loc ? arena_printf(f->a, "the %s of '%s'", op_name(n->op), loc) : n ? op_name(n->op) : "an input";
}

static const char *reason_of(const notes_cx *x, uint32_t writer) {
    const group *w = &x->f->groups.at[writer], *r = &x->f->groups.at[x->reader];
    if (x->f->is_unfused) return "--unfused gives every node a kernel of its own";
    if (r->kind == GROUP_REGION || w->kind == GROUP_REGION) return "an if or a loop takes and gives whole tensors";
    if (r->kind == GROUP_STAGE || w->kind == GROUP_STAGE) return "a stage of its own kind stands between whole tensors";
    if (r->kind == GROUP_LIBRARY || w->kind == GROUP_LIBRARY)
        return "--blas=openblas keeps products apart, from whole tensors to a whole tensor";
    bool is_product = r->kind == GROUP_CONTRACT || r->kind == GROUP_ATTEND;
    if (is_product && !x->is_operand)
        return "that kernel is built around another node and reads this one as a finished tensor";
    if (is_product)
        return "a product reads each element of its operands many times, and computing this one again costs more than "
               "memory";
    if (w->kind == GROUP_ROW && r->kind == GROUP_ROW && w->reduced != r->reduced)
        return "they reduce over other axes, so that no row holds what both need";
    if (w->kind != GROUP_MAP && r->kind == GROUP_ROW)
        return "a reduction of a result needs whole rows of it, which no tile of that kernel holds";
    if (w->nodes.n >= GROUP_MOST_NODES) return "the writer's kernel holds as many operators as one may";
    if (w->kind == GROUP_MAP) return "it is read by several kernels, or at more points than it has elements";
    return "the reader's elements do not map one to one to the writer's";
}

static void note_read(notes_cx *x, value_id v) {
    fusion *f = x->f;
    uint32_t w = x->writer[v];
    if (w == GROUP_NONE || w == x->reader) return;
    vec_push(f->a, f->stops, (fusion_stop){v, w, x->reader, reason_of(x, w)});
}

static void note_held(notes_cx *x, node_id n) {
    op_code op = graph_node(x->f->g, n)->op;
    if (x->held[n] == x->reader + 1 || op == OP_const) return;
    x->held[n] = x->reader + 1;
    vec_push(x->f->a, x->f->groups.at[x->reader].held, n);
}

static void walk_back(notes_cx *x, value_id v) {
    const fusion *f = x->f;
    if (x->seen[v] == x->reader + 1) return;
    x->seen[v] = x->reader + 1;
    const node *n = graph_def(f->g, v);
    bool is_own = n && f->group_of[graph_value(f->g, v)->def] == x->reader;
    if (f->is_stored[v] && !is_own) {
        note_read(x, v);
        return;
    }
    if (n) note_held(x, graph_value(f->g, v)->def);
    for (uint32_t i = 0; n && i < n->n_in; i++) walk_back(x, n->in[i]);
}

static int by_number(const void *a, const void *b) {
    node_id x = *(const node_id *)a, y = *(const node_id *)b;
    return (x > y) - (x < y);
}

/* All about one group. */
static void note_group(notes_cx *x, uint32_t id) {
    const fusion *f = x->f;
    group *gr = &f->groups.at[id];
    x->reader = id;
    for (uint32_t i = 0; i < gr->nodes.n; i++) {
        const node *n = graph_node(f->g, gr->nodes.at[i]);
        x->is_operand = gr->anchor != NODE_NONE && n->op == graph_node(f->g, gr->anchor)->op;
        note_held(x, gr->nodes.at[i]);
        for (uint32_t j = 0; j < n->n_in; j++) walk_back(x, n->in[j]);
    }
    for (uint32_t i = 0; i < gr->outputs.n; i++) { /* the views that results are stored through */
        value_id to = gr->outputs.at[i];
        for (value_id v = f->stored_as[to]; v != to; v = graph_def(f->g, v)->in[0])
            note_held(x, graph_value(f->g, v)->def);
    }
    if (gr->held.n) qsort(gr->held.at, gr->held.n, sizeof *gr->held.at, by_number);
}

void fuse_notes(fusion *f) {
    notes_cx x = {.f = f};
    x.seen = ARENA_ARRAY(f->a, uint32_t, f->g->values.n + 1u);
    x.held = ARENA_ARRAY(f->a, uint32_t, f->g->nodes.n + 1u);
    x.writer = ARENA_ARRAY(f->a, uint32_t, f->g->values.n + 1u);
    for (uint32_t v = 0; v < f->g->values.n; v++) x.writer[v] = GROUP_NONE;
    for (uint32_t id = 0; id < f->groups.n; id++) {
        const group *gr = &f->groups.at[id];
        for (uint32_t i = 0; !gr->is_dissolved && i < gr->outputs.n; i++)
            x.writer[f->stored_as[gr->outputs.at[i]]] = id;
    }
    for (uint32_t id = 0; id < f->groups.n; id++)
        if (!f->groups.at[id].is_dissolved) note_group(&x, id);
}
