/* The one way a pass changes a graph: live nodes are visited in order and emitted into a new graph that shares the dim
 * table. Dead nodes and their constants are left behind; inputs stay, used or not, because they are the interface. */
#include "ir/graph.h"

#include <string.h>

typedef struct liveness {
    const graph *g;
    bool *is_live; /* per node */
    VEC(value_id) pending;
    arena *a;
} liveness;

static void mark_region(liveness *l, region_id r) {
    const region *reg = &l->g->regions.at[r];
    for (uint32_t i = 0; i < reg->results.n; i++) vec_push(l->a, l->pending, reg->results.at[i]);
}

static void mark_node(liveness *l, node_id id) {
    if (l->is_live[id]) return;
    l->is_live[id] = true;
    const node *n = &l->g->nodes.at[id];
    for (uint32_t i = 0; i < n->n_in; i++) vec_push(l->a, l->pending, n->in[i]);
    for (uint32_t i = 0; i < n->n_regions; i++) mark_region(l, n->regions[i]);
}

static void mark_pending(liveness *l) {
    while (l->pending.n) {
        node_id def = l->g->values.at[l->pending.at[--l->pending.n]].def;
        if (def != NODE_NONE) mark_node(l, def);
    }
}

/* Whether an extent or an attribute of n depends on s. */
static bool mentions(const graph *g, const node *n, sym_id s) {
    const attr_type *t = op_info_of(n->op)->attrs;
    for (uint32_t i = 0; i < n->n_out; i++) {
        const tensor_type *out = graph_type(g, n->out + i);
        for (uint32_t k = 0; k < out->rank; k++)
            if (dim_depends(g->dims, out->shape[k], s)) return true;
    }
    for (uint32_t i = 0; n->attrs && i < t->n_fields; i++) {
        if (t->fields[i].kind != FK_DIMS) continue;
        const dim_list *l = (const void *)((const char *)n->attrs + t->fields[i].offset);
        for (uint32_t k = 0; k < l->n; k++)
            if (l->at[k] != DIM_BAD && dim_depends(g->dims, l->at[k], s)) return true;
    }
    return false;
}

/* Nodes that count an extent of something live are live, whether or not anything reads their results. */
static void mark_counters(liveness *l) {
    sym_id s;
    for (node_id i = l->g->nodes.n; i-- > 0;) { /* what counts stands before what it counts for */
        if (l->is_live[i] || !graph_counts(l->g, &l->g->nodes.at[i], &s)) continue;
        bool is_needed = false;
        for (node_id k = 0; k < l->g->nodes.n && !is_needed; k++)
            is_needed = l->is_live[k] && mentions(l->g, &l->g->nodes.at[k], s);
        if (!is_needed) continue;
        mark_node(l, i);
        mark_pending(l);
    }
}

static const bool *live_nodes(arena *a, const graph *g) {
    liveness l = {.g = g, .a = a, .is_live = ARENA_ARRAY(a, bool, g->nodes.n + 1)};
    mark_region(&l, 0);
    mark_pending(&l);
    mark_counters(&l);
    return l.is_live;
}

/* The interface, source locations and contracts of the old graph. */
static void copy_frame(graph_rewriter *r) {
    const graph *from = r->from;
    graph *to = r->to;
    for (uint32_t i = 1; i < from->locs.n; i++) graph_loc(to, from->locs.at[i]);
    for (uint32_t i = 0; i < from->inputs.n; i++) {
        const port *p = &from->inputs.at[i];
        r->map[from->regions.at[0].params.at[i]] = graph_input(to, p->name, p->type.dt, p->type.rank, p->type.shape);
        to->inputs.at[i].is_host = p->is_host;
        to->inputs.at[i].state = p->state;
    }
    for (uint32_t i = 0; i < from->contracts.n; i++) vec_push(to->a, to->contracts, from->contracts.at[i]);
}

typedef struct rewrite_job {
    graph_rewriter *r;
    rewrite_fn *fn;
    const bool *is_live;
} rewrite_job;

static frit_status rewrite_nodes(const rewrite_job *j, region_id id);

static frit_status copy_region(const rewrite_job *j, region_id id, region_id *out) {
    graph_rewriter *r = j->r;
    const region *reg = &r->from->regions.at[id];
    tensor_type *types = ARENA_ARRAY(r->to->a, tensor_type, reg->params.n);
    for (uint32_t i = 0; i < reg->params.n; i++) types[i] = *graph_type(r->from, reg->params.at[i]);
    *out = graph_region_begin(r->to, reg->params.n, types);
    for (uint32_t i = 0; i < reg->params.n; i++) {
        value_id v = r->to->regions.at[*out].params.at[i];
        r->map[reg->params.at[i]] = v;
        r->to->values.at[v].name = graph_value(r->from, reg->params.at[i])->name;
    }
    TRY(rewrite_nodes(j, id));
    value_id *results = ARENA_ARRAY(r->to->a, value_id, reg->results.n);
    for (uint32_t i = 0; i < reg->results.n; i++) results[i] = r->map[reg->results.at[i]];
    graph_region_end(r->to, reg->results.n, results);
    return FRIT_OK;
}

value_id *graph_rewrite_operands(graph_rewriter *r, const node *n) {
    value_id *in = ARENA_ARRAY(r->c->scratch, value_id, n->n_in);
    for (uint32_t i = 0; i < n->n_in; i++) {
        in[i] = r->map[n->in[i]];
        ASSERT(in[i] != VALUE_NONE);
    }
    return in;
}

static frit_status copy_node(const rewrite_job *j, const node *n) {
    graph_rewriter *r = j->r;
    const value_id *in = graph_rewrite_operands(r, n);
    region_id *regions = ARENA_ARRAY(r->to->a, region_id, n->n_regions);
    for (uint32_t i = 0; i < n->n_regions; i++) TRY(copy_region(j, n->regions[i], &regions[i]));
    value_id first = VALUE_NONE;
    TRY(graph_add_region_node(r->c, r->to, n->op, n->loc, n->n_in, in, n->attrs, n->n_regions, regions, &first));
    for (uint32_t i = 0; i < n->n_out; i++) r->map[n->out + i] = first + i;
    return FRIT_OK;
}

/* Results keep the model's names where the new values have none of their own. */
static void carry_names(graph_rewriter *r, const node *n) {
    for (uint32_t i = 0; i < n->n_out; i++) {
        const char *name = graph_value(r->from, n->out + i)->name;
        value_id v = r->map[n->out + i];
        if (name && v != VALUE_NONE && !r->to->values.at[v].name) r->to->values.at[v].name = name;
    }
}

static frit_status rewrite_nodes(const rewrite_job *j, region_id id) {
    graph_rewriter *r = j->r;
    const region *reg = &r->from->regions.at[id];
    for (uint32_t i = 0; i < reg->nodes.n; i++) {
        if (!j->is_live[reg->nodes.at[i]]) continue;
        const node *n = graph_node(r->from, reg->nodes.at[i]);
        bool is_done = false;
        TRY(j->fn(r, n, &is_done));
        if (!is_done) TRY(copy_node(j, n));
        carry_names(r, n);
    }
    return FRIT_OK;
}

frit_status graph_rewrite_inline(graph_rewriter *r, region_id id, const value_id *params, value_id *out_results) {
    const region *reg = &r->from->regions.at[id];
    for (uint32_t i = 0; i < reg->params.n; i++) r->map[reg->params.at[i]] = params[i];
    TRY(rewrite_nodes(r->job, id));
    for (uint32_t i = 0; i < reg->results.n; i++) out_results[i] = r->map[reg->results.at[i]];
    return FRIT_OK;
}

frit_status graph_rewrite(cx *c, const graph *from, rewrite_fn *fn, void *data, graph **out) {
    graph *to = graph_new(c->job, from->name, from->dims);
    graph_rewriter r = {.c = c, .from = from, .to = to, .data = data};
    r.map = ARENA_ARRAY(c->scratch, value_id, from->values.n + 1);
    for (uint32_t i = 0; i < from->values.n; i++) r.map[i] = VALUE_NONE;
    copy_frame(&r);
    const rewrite_job j = {&r, fn, live_nodes(c->scratch, from)};
    r.job = &j;
    TRY(rewrite_nodes(&j, 0));
    for (uint32_t i = 0; i < from->outputs.n; i++) {
        graph_output(to, from->outputs.at[i].name, r.map[from->regions.at[0].results.at[i]]);
        to->outputs.at[i].state = from->outputs.at[i].state;
    }
    *out = to;
    return FRIT_OK;
}

static frit_status keep_node(graph_rewriter *r, const node *n, bool *out_done) {
    (void)r, (void)n, (void)out_done;
    return FRIT_OK;
}

frit_status graph_sweep(cx *c, const graph *from, graph **out) { return graph_rewrite(c, from, keep_node, NULL, out); }
