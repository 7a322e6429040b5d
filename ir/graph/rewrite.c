/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The one way a pass changes a graph: live nodes are visited in order and emitted into a new graph that shares the dim
 * table. Dead nodes and their constants are left behind; inputs stay, used or not, because they are the interface. */
#include "ir/graph/graph.h"

#include <string.h>

#include "ir/op/attrs.h"

typedef struct liveness {
    const graph *g;
    bool *is_live; /* per node */
    VEC(value_id) pending;
    VEC(sym_id) counted; /* symbols that nodes count, and the first result of the node that counts each */
    VEC(value_id) by;
    arena *a;
} liveness;

/* A dim needs those who count its symbols. */
static void mark_dims(liveness *l, uint32_t n, const dim *d) {
    for (uint32_t i = 0; i < l->counted.n; i++)
        for (uint32_t k = 0; k < n; k++)
            if (d[k] != DIM_BAD && dim_depends(l->g->dims, d[k], l->counted.at[i]))
                vec_push(l->a, l->pending, l->by.at[i]);
}

static void mark_value(liveness *l, value_id v) {
    vec_push(l->a, l->pending, v);
    mark_dims(l, graph_type(l->g, v)->rank, graph_type(l->g, v)->shape);
}

static void mark_attrs(liveness *l, const node *n) {
    const attr_type *t = op_info_of(n->op)->attrs;
    for (uint32_t i = 0; i < t->n_fields && l->counted.n; i++) {
        if (t->fields[i].kind != FK_DIMS) continue;
        const dim_list *dims = (const void *)((const char *)n->attrs + t->fields[i].offset);
        mark_dims(l, dims->n, dims->at);
    }
}

static void mark_region(liveness *l, region_id r) {
    const region *reg = &l->g->regions.at[r];
    for (uint32_t i = 0; i < reg->results.n; i++) mark_value(l, reg->results.at[i]);
}

static void mark_node(liveness *l, node_id id) {
    if (l->is_live[id]) return;
    l->is_live[id] = true;
    const node *n = &l->g->nodes.at[id];
    for (uint32_t i = 0; i < n->n_in; i++) mark_value(l, n->in[i]);
    mark_attrs(l, n);
    for (uint32_t i = 0; i < n->n_regions; i++) mark_region(l, n->regions[i]);
}

static void mark_pending(liveness *l) {
    while (l->pending.n) {
        node_id def = l->g->values.at[l->pending.at[--l->pending.n]].def;
        if (def != NODE_NONE) mark_node(l, def);
    }
}

static const bool *live_nodes(arena *a, const graph *g) {
    liveness l = {.g = g, .a = a, .is_live = ARENA_ARRAY(a, bool, g->nodes.n + 1)};
    for (sym_id s = 0; s < dim_n_syms(g->dims); s++) {
        node_id by = dim_sym_info(g->dims, s)->kind == SYM_RESULT ? graph_counter(g, s) : NODE_NONE;
        if (by == NODE_NONE) continue;
        vec_push(a, l.counted, s);
        vec_push(a, l.by, graph_node(g, by)->out);
    }
    mark_region(&l, 0);
    mark_pending(&l);
    return l.is_live;
}

typedef struct rewrite_job {
    graph_rewriter *r;
    rewrite_fn *fn;
    const bool *is_live;
    const dim_mapping *dims; /* NULL: they stay */
} rewrite_job;

static tensor_type mapped_type(const rewrite_job *j, const tensor_type *t) {
    tensor_type own = *t;
    if (!j->dims) return own;
    dim *shape = ARENA_ARRAY(j->r->to->a, dim, t->rank + 1u);
    for (uint32_t i = 0; i < t->rank; i++) shape[i] = j->dims->map(j->dims->data, t->shape[i]);
    own.shape = shape;
    return own;
}

/* Attributes whose lists of dims are mapped. */
static const void *mapped_attrs(const rewrite_job *j, const node *n) {
    const attr_type *t = op_info_of(n->op)->attrs;
    arena *a = j->r->to->a;
    if (!j->dims || !n->attrs) return n->attrs;
    void *own = attrs_copy(a, n->op, n->attrs);
    for (uint32_t i = 0; i < t->n_fields; i++) {
        if (t->fields[i].kind != FK_DIMS) continue;
        dim_list *l = (void *)((char *)own + t->fields[i].offset);
        dim *at = ARENA_ARRAY(a, dim, l->n + 1u);
        for (uint32_t k = 0; k < l->n; k++) at[k] = j->dims->map(j->dims->data, l->at[k]);
        l->at = at;
    }
    return own;
}

/* Contracts of a region hold for the new region at hand; where dims are mapped, sizes that broadcast are assumed equal.
 */
static frit_status copy_contracts(const rewrite_job *j, region_id from) {
    graph_rewriter *r = j->r;
    for (uint32_t i = 0; i < r->from->contracts.n; i++) {
        contract k = r->from->contracts.at[i];
        if (k.region != from) continue;
        k.region = r->to->at;
        if (!j->dims) {
            graph_add_contract(r->to, &k);
            continue;
        }
        k.lhs = j->dims->map(j->dims->data, k.lhs);
        k.rhs = j->dims->map(j->dims->data, k.rhs);
        bool broadcasts = k.kind == CK_BROADCASTS || k.kind == CK_EXPANDS;
        if (j->dims->is_case && broadcasts && graph_may_assume_equal(r->to, k.lhs, k.rhs)) k.kind = CK_ASSUMED;
        TRY(graph_require(r->c, r->to, k.lhs, k.rhs, k.kind, k.text));
    }
    return FRIT_OK;
}

/* The interface, source locations and contracts of the old graph. */
static frit_status copy_frame(const rewrite_job *j) {
    graph_rewriter *r = j->r;
    const graph *from = r->from;
    graph *to = r->to;
    for (uint32_t i = 1; i < from->locs.n; i++) graph_loc(to, from->locs.at[i]);
    for (uint32_t i = 0; i < from->inputs.n; i++) {
        const port *p = &from->inputs.at[i];
        tensor_type t = mapped_type(j, &p->type);
        r->map[from->regions.at[0].params.at[i]] = graph_input(to, p->name, t.dt, t.rank, t.shape);
        to->inputs.at[i].is_host = p->is_host;
        to->inputs.at[i].state = p->state;
    }
    return copy_contracts(j, 0);
}

static frit_status rewrite_nodes(const rewrite_job *j, region_id id);

static frit_status copy_region(const rewrite_job *j, region_id id, region_id *out) {
    graph_rewriter *r = j->r;
    const region *reg = &r->from->regions.at[id];
    tensor_type *types = ARENA_ARRAY(r->to->a, tensor_type, reg->params.n);
    for (uint32_t i = 0; i < reg->params.n; i++) types[i] = mapped_type(j, graph_type(r->from, reg->params.at[i]));
    *out = graph_region_begin(r->to, reg->params.n, types);
    TRY(copy_contracts(j, id));
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
    const void *attrs = mapped_attrs(j, n);
    TRY(graph_add_region_node(r->c, r->to, n->op, n->loc, n->n_in, in, attrs, n->n_regions, regions, &first));
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
    TRY(copy_contracts(r->job, id));
    TRY(rewrite_nodes(r->job, id));
    for (uint32_t i = 0; i < reg->results.n; i++) out_results[i] = r->map[reg->results.at[i]];
    return FRIT_OK;
}

static frit_status rewrite(cx *c, const graph *from, rewrite_fn *fn, void *data, const dim_mapping *dims, graph **out) {
    graph *to = graph_new(c->job, from->name, from->dims);
    to->is_case = from->is_case || (dims && dims->is_case);
    graph_rewriter r = {.c = c, .from = from, .to = to, .data = data};
    r.map = ARENA_ARRAY(c->scratch, value_id, from->values.n + 1);
    for (uint32_t i = 0; i < from->values.n; i++) r.map[i] = VALUE_NONE;
    const rewrite_job j = {&r, fn, live_nodes(c->scratch, from), dims};
    r.job = &j;
    TRY(copy_frame(&j));
    TRY(rewrite_nodes(&j, 0));
    for (uint32_t i = 0; i < from->outputs.n; i++) {
        graph_output(to, from->outputs.at[i].name, r.map[from->regions.at[0].results.at[i]]);
        to->outputs.at[i].state = from->outputs.at[i].state;
    }
    *out = to;
    return FRIT_OK;
}

frit_status graph_rewrite(cx *c, const graph *from, rewrite_fn *fn, void *data, graph **out) {
    return rewrite(c, from, fn, data, NULL, out);
}

static frit_status keep_node(graph_rewriter *r, const node *n, bool *out_done) {
    (void)r, (void)n, (void)out_done;
    return FRIT_OK;
}

frit_status graph_map_dims(cx *c, const graph *from, const dim_mapping *dims, graph **out) {
    return rewrite(c, from, keep_node, NULL, dims, out);
}

frit_status graph_sweep(cx *c, const graph *from, graph **out) { return graph_rewrite(c, from, keep_node, NULL, out); }
