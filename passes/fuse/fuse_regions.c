/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fusion around regions: what an if or a loop waits for, what the parameters of its regions stand for, and which values
 * have to lie in memory because a region takes or gives them.
 *
 * A region's nodes fuse among themselves only. Its parameters cost nothing where they can be read in place: a captured
 * value is that value, the slice of a scanned one is a load at index `i`, the number of the iteration is the symbol
 * itself. Only values carried from iteration to iteration have memory, which is that of the loop's result. What a loop collects
 * is stored at index `i` of the whole by the kernel that computes it.
 *
 *    %h, %y = scan_loop %h0, %x region(%h1, %x1) { %s = add %h1, %x1  yield %s, %s }
 *  becomes
 *    copy %h0 -> %h      loop i < S { %s = %h + %x[i], also to %y[i];  copy %s -> %h } */
#include <string.h>

#include "passes/fuse/fuse.h"

enum { MAX_COUNTED = 64 };

bool fuse_is_collected(const graph *g, value_id v) {
    const node *n = graph_def(g, v);
    if (n && n->op == OP_while) return graph_value(g, v)->index >= ((const attr_while *)n->attrs)->n_carried;
    return n && n->op == OP_scan_loop && graph_value(g, v)->index >= ((const attr_scan_loop *)n->attrs)->n_carried;
}

/* ---- what nodes wait for */

typedef struct needs_cx {
    fusion *f;
    graph *g;
    uint32_t n_counted;
    sym_id counted[MAX_COUNTED]; /* symbols that the program counts */
    value_id by[MAX_COUNTED];    /* the first result of the node that counts it */
    uint64_t *of_node;           /* node -> bits of the counted symbols that it needs, free operands included */
} needs_cx;

static frit_status find_counted(cx *c, needs_cx *x) {
    for (sym_id s = 0; s < dim_n_syms(x->g->dims); s++) {
        if (dim_sym_info(x->g->dims, s)->kind != SYM_RESULT) continue;
        node_id by = graph_counter(x->g, s);
        if (by == NODE_NONE) continue;
        if (x->n_counted == MAX_COUNTED)
            return FAIL(c, UNSUPPORTED, NULL, "more than %d extents are counted while the program runs", MAX_COUNTED);
        x->counted[x->n_counted] = s;
        x->by[x->n_counted++] = graph_node(x->g, by)->out;
    }
    return FRIT_OK;
}

static uint64_t symbols_in(const needs_cx *x, dim d) {
    uint64_t bits = 0;
    for (uint32_t i = 0; d != DIM_BAD && i < x->n_counted; i++)
        if (dim_depends(x->g->dims, d, x->counted[i])) bits |= 1ull << i;
    return bits;
}

static uint64_t symbols_of_type(const needs_cx *x, value_id v) {
    const tensor_type *t = graph_type(x->g, v);
    uint64_t bits = 0;
    for (uint32_t i = 0; i < t->rank; i++) bits |= symbols_in(x, t->shape[i]);
    return bits;
}

static uint64_t symbols_of_attrs(const needs_cx *x, const node *n) {
    const attr_type *t = op_info_of(n->op)->attrs;
    uint64_t bits = 0;
    for (uint32_t i = 0; i < t->n_fields; i++) {
        if (t->fields[i].kind != FK_DIMS) continue;
        const dim_list *l = (const void *)((const char *)n->attrs + t->fields[i].offset);
        for (uint32_t k = 0; k < l->n; k++) bits |= symbols_in(x, l->at[k]);
    }
    return bits;
}

/* What a node inside of node `outer` needs from outside of it. */
static void need(needs_cx *x, node_id outer, value_id v) {
    const graph *g = x->g;
    const node *n = graph_node(g, outer);
    for (uint32_t i = 0; i < n->n_regions; i++)
        if (graph_is_within(g, graph_value(g, v)->region, n->regions[i])) return;
    vec_push(x->f->a, x->f->also_needs[outer], v);
}

static void note_node(needs_cx *x, node_id id) {
    const graph *g = x->g;
    const node *n = graph_node(g, id);
    uint64_t bits = 0;
    if (x->n_counted) bits = symbols_of_attrs(x, n);
    for (uint32_t i = 0; x->n_counted && i < n->n_out; i++) bits |= symbols_of_type(x, n->out + i);
    for (uint32_t i = 0; x->n_counted && i < n->n_in; i++) {
        const node *d = graph_def(g, n->in[i]);
        bits |= symbols_of_type(x, n->in[i]);
        if (d && fuse_is_free(d)) bits |= x->of_node[graph_value(g, n->in[i])->def];
    }
    x->of_node[id] = bits;
    for (uint32_t i = 0; i < x->n_counted; i++) {
        if (!(bits >> i & 1) || graph_value(g, x->by[i])->def == id) continue;
        vec_push(x->f->a, x->f->also_needs[id], x->by[i]);
    }
}

/* Everything that the nodes around region r wait for because of its node id. */
static void note_captures(needs_cx *x, region_id r, node_id id) {
    const node *n = graph_node(x->g, id);
    for (; r != 0; r = x->g->regions.at[r].parent) {
        node_id outer = x->f->owner[r];
        for (uint32_t i = 0; i < n->n_in; i++) need(x, outer, n->in[i]);
        for (uint32_t i = 0; i < x->f->also_needs[id].n; i++) need(x, outer, x->f->also_needs[id].at[i]);
    }
}

/* A region's demands are checked when it begins: what is counted outside of it comes before it. */
static void note_demands(needs_cx *x, const contract *k) {
    uint64_t bits = symbols_in(x, k->lhs) | symbols_in(x, k->rhs);
    for (uint32_t i = 0; i < x->n_counted; i++)
        for (region_id r = k->region; bits >> i & 1 && r != 0; r = x->g->regions.at[r].parent)
            if (x->f->owner[r] != NODE_NONE) need(x, x->f->owner[r], x->by[i]);
}

static void find_owners(fusion *f) {
    const graph *g = f->g;
    for (uint32_t r = 0; r < g->regions.n; r++) f->owner[r] = NODE_NONE;
    for (node_id i = 0; i < g->nodes.n; i++)
        for (uint32_t k = 0; k < graph_node(g, i)->n_regions; k++) f->owner[graph_node(g, i)->regions[k]] = i;
}

static frit_status find_needs(cx *c, fusion *f) {
    const graph *g = f->g;
    needs_cx x = {.f = f, .g = f->g};
    x.of_node = ARENA_ARRAY(f->a, uint64_t, g->nodes.n + 1u);
    TRY(find_counted(c, &x));
    if (x.n_counted == 0 && g->regions.n == 1) return FRIT_OK;
    for (node_id i = 0; i < g->nodes.n; i++) note_node(&x, i);
    for (region_id r = 1; r < g->regions.n; r++) {
        const region *reg = &g->regions.at[r];
        if (f->owner[r] == NODE_NONE) continue; /* of a node that was dropped */
        for (uint32_t i = 0; i < reg->nodes.n; i++) note_captures(&x, r, reg->nodes.at[i]);
        for (uint32_t i = 0; i < reg->results.n; i++)
            for (region_id q = r; q != 0; q = g->regions.at[q].parent) need(&x, f->owner[q], reg->results.at[i]);
    }
    for (uint32_t i = 0; i < g->contracts.n; i++) note_demands(&x, &g->contracts.at[i]);
    return FRIT_OK;
}

/* ---- what parameters stand for */

static void stand_for(fusion *f, value_id param, value_alias a) {
    f->alias[param] = a;
    f->is_stored[param] = false;
}

static dim scan_trips(const graph *g, const node *n) {
    const attr_scan_loop *a = n->attrs;
    return graph_type(g, n->in[a->n_carried])->shape[a->in_axes.at[0]];
}

static void alias_scan(fusion *f, node_id id) {
    graph *g = f->g;
    dim_table *t = g->dims;
    const node *n = graph_node(g, id);
    const attr_scan_loop *a = n->attrs;
    const region *body = &g->regions.at[n->regions[0]];
    uint32_t carried = (uint32_t)a->n_carried;
    dim trips = scan_trips(g, n), last = dim_sub(t, trips, dim_const(t, 1));
    dim i_loop = f->iteration[id] = dim_iteration(t, "iteration", trips);
    for (uint32_t i = 0; i < carried; i++) f->carried[body->params.at[i]] = n->out + i;
    for (uint32_t i = 0; i < a->in_axes.n; i++) {
        dim at = a->in_reverse.at[i] ? dim_sub(t, last, i_loop) : i_loop;
        stand_for(f, body->params.at[carried + i],
                  (value_alias){ALIAS_SLICE, n->in[carried + i], (uint32_t)a->in_axes.at[i], at});
    }
    for (uint32_t i = carried + a->in_axes.n; i < n->n_in; i++)
        stand_for(f, body->params.at[i], (value_alias){.kind = ALIAS_VALUE, .of = n->in[i]});
}

static void alias_while(fusion *f, node_id id) {
    graph *g = f->g;
    const node *n = graph_node(g, id);
    const attr_while *a = n->attrs;
    const region *body = &g->regions.at[n->regions[0]];
    uint32_t end = 2 + (uint32_t)a->n_carried;
    f->iteration[id] = dim_iteration(g->dims, "iteration", a->trips.n ? a->trips.at[0] : DIM_BAD);
    stand_for(f, body->params.at[0], (value_alias){.kind = ALIAS_INDEX, .at = f->iteration[id]});
    stand_for(f, body->params.at[1], (value_alias){.kind = ALIAS_TRUE});
    for (uint32_t i = 2; i < end; i++) f->carried[body->params.at[i]] = n->out + i - 2;
    for (uint32_t i = end; i < n->n_in; i++)
        stand_for(f, body->params.at[i], (value_alias){.kind = ALIAS_VALUE, .of = n->in[i]});
}

static void alias_if(fusion *f, const node *n) {
    for (uint32_t k = 0; k < 2; k++) {
        const region *r = &f->g->regions.at[n->regions[k]];
        for (uint32_t i = 0; i < r->params.n; i++)
            stand_for(f, r->params.at[i], (value_alias){.kind = ALIAS_VALUE, .of = n->in[i + 1]});
    }
}

frit_status fuse_regions(cx *c, fusion *f) {
    const graph *g = f->g;
    uint32_t n_values = g->values.n + 1u, n_nodes = g->nodes.n + 1u;
    f->also_needs = ARENA_ARRAY(f->a, value_list, n_nodes);
    f->owner = ARENA_ARRAY(f->a, node_id, g->regions.n + 1u);
    f->alias = ARENA_ARRAY(f->a, value_alias, n_values);
    f->carried = ARENA_ARRAY(f->a, value_id, n_values);
    f->placements = ARENA_ARRAY(f->a, placement_list, n_values);
    f->copied_by = ARENA_ARRAY(f->a, uint32_t, n_values);
    f->iteration = ARENA_ARRAY(f->a, dim, n_nodes);
    memset(f->carried, 0xff, n_values * sizeof *f->carried);
    memset(f->copied_by, 0xff, n_values * sizeof *f->copied_by);
    find_owners(f);
    TRY(find_needs(c, f));
    for (node_id i = 0; i < g->nodes.n; i++) {
        const node *n = graph_node(g, i);
        if (n->op == OP_scan_loop) alias_scan(f, i);
        if (n->op == OP_while) alias_while(f, i);
        if (n->op == OP_if) alias_if(f, n);
    }
    return FRIT_OK;
}

/* ---- memory */

static uint32_t add_copy_group(fusion *f, value_id v, region_id r) {
    graph *g = f->g;
    const tensor_type *type = graph_type(g, v);
    group copy = {.kind = GROUP_MAP, .region = r, .anchor = graph_value(g, v)->def, .rank = type->rank};
    dim *axes = ARENA_ARRAY(f->a, dim, type->rank + 1u);
    for (uint32_t i = 0; i < type->rank; i++) axes[i] = dim_axis(g->dims, "i", type->shape[i]);
    copy.axes = axes;
    vec_push(f->a, copy.outputs, v);
    vec_push(f->a, f->groups, copy);
    return f->groups.n - 1;
}

void fuse_want_memory(fusion *f, value_id v) {
    if (f->is_stored[v]) return;
    uint32_t own = add_copy_group(f, v, graph_value(f->g, v)->region);
    f->copied_by[v] = own;
    f->index[v] = f->groups.at[own].axes;
    f->is_stored[v] = true;
}

/* The group that can store v to a second place as it computes it; a new one that copies when there is none. */
static uint32_t group_to_place(fusion *f, value_id v, region_id body) {
    const value *info = graph_value(f->g, v);
    uint32_t id = info->def == NODE_NONE ? GROUP_NONE : f->group_of[info->def];
    if (f->copied_by[v] != GROUP_NONE) id = f->copied_by[v];
    bool is_fit = id != GROUP_NONE && f->groups.at[id].region == body && f->groups.at[id].kind < GROUP_STAGE;
    return is_fit && f->index[v] ? id : add_copy_group(f, v, body);
}

static frit_status place_collected(cx *c, fusion *f, node_id id) {
    graph *g = f->g;
    dim_table *t = g->dims;
    const node *n = graph_node(g, id);
    const region *body = &g->regions.at[n->regions[0]];
    const attr_scan_loop *s = n->op == OP_scan_loop ? n->attrs : NULL;
    uint32_t carried = s ? (uint32_t)s->n_carried : (uint32_t)((const attr_while *)n->attrs)->n_carried;
    uint32_t first_result = s ? 0 : 1;
    for (uint32_t i = carried; i < n->n_out; i++) {
        value_id v = body->results.at[first_result + i];
        dim at = f->iteration[id];
        if (s && s->out_reverse.at[i - carried]) at = dim_sub(t, dim_sub(t, scan_trips(g, n), dim_const(t, 1)), at);
        placement p = {.whole = n->out + i, .axis = s ? (uint32_t)s->out_axes.at[i - carried] : 0, .at = at};
        if (graph_type(g, v)->rank + 1 > MAX_RANK)
            return FAIL(c, UNSUPPORTED, g->locs.at[n->loc], "a collected value has too many axes");
        p.by = group_to_place(f, v, n->regions[0]);
        vec_push(f->a, f->placements[v], p);
    }
    return FRIT_OK;
}

/* A constant in memory of its own is a weight. */
static void want_memory_of_some(fusion *f, uint32_t n, const value_id *v) {
    for (uint32_t i = 0; i < n; i++)
        if (!graph_const(f->g, v[i]) && f->alias[v[i]].kind != ALIAS_TRUE) fuse_want_memory(f, v[i]);
}

/* Operands that the steps of a region read by themselves: conditions, counts and first values of what is carried. */
static uint32_t count_step_operands(const node *n) {
    if (n->op == OP_while) return 2 + (uint32_t)((const attr_while *)n->attrs)->n_carried;
    return n->op == OP_scan_loop ? (uint32_t)((const attr_scan_loop *)n->attrs)->n_carried : n->op == OP_if;
}

/* Results of its regions that they copy: all but those that a loop collects. */
static uint32_t count_step_results(const node *n) {
    if (n->op == OP_while) return 1 + (uint32_t)((const attr_while *)n->attrs)->n_carried;
    return n->op == OP_scan_loop ? (uint32_t)((const attr_scan_loop *)n->attrs)->n_carried : n->n_out;
}

frit_status fuse_region_memory(cx *c, fusion *f) {
    const graph *g = f->g;
    for (node_id i = 0; i < g->nodes.n; i++) {
        const node *n = graph_node(g, i);
        if (n->op == OP_nonzero && n->n_in > 1) want_memory_of_some(f, 1, n->in + 1);
        if (n->n_regions == 0) continue;
        want_memory_of_some(f, count_step_operands(n), n->in);
        for (uint32_t k = 0; k < n->n_regions; k++)
            want_memory_of_some(f, count_step_results(n), g->regions.at[n->regions[k]].results.at);
        if (n->op != OP_if) TRY(place_collected(c, f, i));
    }
    return FRIT_OK;
}
