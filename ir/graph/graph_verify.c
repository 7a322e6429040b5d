/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The verifier. A graph is well formed when:
 *
 *    1. every value is the result of exactly one node, or a parameter of exactly one region, at the index it says;
 *    2. every node stands in exactly one region, the one it names, and its results are consecutive values of it;
 *    3. every operand is defined before its user: a node earlier in the same region or in a region around it, or a
 *       parameter of such a region;
 *    4. every region but the body has a parent, belongs to one node, and that node stands in the parent;
 *    5. region results are visible at the region's end;
 *    6. operand counts are within the operator's row, regions are there when and only when the row says so;
 *    7. result types are what inference gives for the operands and attributes;
 *    8. no type, attribute or contract holds DIM_BAD; no size is provably negative;
 *    9. inputs parallel the body's parameters, outputs its results, with equal types and unique names;
 *   10. each state has one input and one output of the same type;
 *   11. pure nodes of one region are distinct (interning worked). */
#include <string.h>

#include "ir/graph/graph.h"
#include "ir/op/attrs.h"

typedef struct verifier {
    cx *c;
    const graph *g;
    bool *is_seen;        /* per value: defined so far in the walk */
    node_id *region_user; /* per region */
    map keys;             /* invariant 11 */
} verifier;

static const char *node_text(const verifier *v, const node *n) {
    const char *loc = v->g->locs.at[n->loc];
    const char *name = n->n_out && n->out < v->g->values.n ? graph_value(v->g, n->out)->name : NULL;
    return arena_printf(v->c->job, "%s (%s%s%s)", op_name(n->op), loc, loc[0] && name ? ", " : "", name ? name : "");
}

#define BROKEN(v, n, ...) FAIL((v)->c, INTERNAL, (n) ? node_text((v), (n)) : (v)->g->name, __VA_ARGS__)

static frit_status check_dims(const verifier *v, const node *n, uint32_t count, const dim *d) {
    for (uint32_t i = 0; i < count; i++)
        if (d[i] == DIM_BAD) return BROKEN(v, n, "dim %u is bad", i);
    return FRIT_OK;
}

static frit_status check_attrs(const verifier *v, const node *n) {
    const attr_type *t = op_info_of(n->op)->attrs;
    if (!n->attrs) return BROKEN(v, n, "has no attributes");
    for (uint32_t i = 0; i < t->n_fields; i++) {
        if (t->fields[i].kind != FK_DIMS) continue;
        const dim_list *l = (const void *)((const char *)n->attrs + t->fields[i].offset);
        TRY(check_dims(v, n, l->n, l->at));
    }
    return FRIT_OK;
}

static bool types_equal(const graph *g, const tensor_type *x, const tensor_type *y) {
    bool same = x->dt == y->dt && x->rank == y->rank;
    for (uint32_t i = 0; same && i < x->rank; i++) same = dim_equal(g->dims, x->shape[i], y->shape[i]);
    return same;
}

/* Infers again on a copy of the frame, so that the graph itself does not change. */
static frit_status check_types(const verifier *v, const node *n) {
    graph copy = *v->g;
    infer_args a = {&copy, n->op, n->n_in, n->in, NULL, n->n_regions, n->regions, n->loc};
    copy.a = v->c->scratch;
    copy.at = n->region;
    copy.contracts.cap = copy.contracts.n; /* a new contract goes to fresh memory */
    a.attrs = attrs_copy(v->c->scratch, n->op, n->attrs);
    tensor_type *types = ARENA_ARRAY(v->c->scratch, tensor_type, 64 + n->n_out);
    uint32_t n_out = 0;
    TRY(graph_infer(v->c, &a, types, &n_out));
    if (n_out != n->n_out) return BROKEN(v, n, "has %u results, inference gives %u", n->n_out, n_out);
    for (uint32_t i = 0; i < n_out; i++)
        if (!types_equal(v->g, &types[i], graph_type(v->g, n->out + i)))
            return BROKEN(v, n, "result %u is not of the inferred type", i);
    return FRIT_OK;
}

static frit_status check_distinct(verifier *v, const node *n, node_id id) {
    if (op_is(n->op, OPF_REGION) || op_is(n->op, OPF_NOCSE)) return FRIT_OK;
    key_buf k = {.a = v->c->scratch};
    key_add_u32(&k, n->region);
    key_add_u32(&k, n->op);
    key_add(&k, n->in, n->n_in * sizeof *n->in);
    attrs_key(&k, n->op, n->attrs);
    uint32_t other = 0;
    if (map_get(&v->keys, k.at, k.n, &other)) return BROKEN(v, n, "is the same as node %u", other);
    map_set(&v->keys, k.at, k.n, id);
    return FRIT_OK;
}

static frit_status check_region(verifier *v, region_id id);

static frit_status check_subregions(verifier *v, const node *n, node_id id) {
    bool wants = op_is(n->op, OPF_REGION);
    if (wants != (n->n_regions > 0)) return BROKEN(v, n, "has %u regions", n->n_regions);
    for (uint32_t i = 0; i < n->n_regions; i++) {
        region_id r = n->regions[i];
        if (r == 0 || r >= v->g->regions.n) return BROKEN(v, n, "names region %u", r);
        if (v->region_user[r] != NODE_NONE) return BROKEN(v, n, "shares region %u", r);
        if (v->g->regions.at[r].parent != n->region) return BROKEN(v, n, "region %u has another parent", r);
        v->region_user[r] = id;
        TRY(check_region(v, r));
    }
    return FRIT_OK;
}

static frit_status check_node(verifier *v, region_id where, node_id id) {
    const graph *g = v->g;
    if (id >= g->nodes.n) return BROKEN(v, (const node *)NULL, "names node %u of %u", id, g->nodes.n);
    const node *n = graph_node(g, id);
    const op_info *info = op_info_of(n->op);
    if (n->region != where) return BROKEN(v, n, "stands in region %u, says %u", where, n->region);
    for (uint32_t i = 0; i < n->n_in; i++)
        if (n->in[i] >= g->values.n || !v->is_seen[n->in[i]])
            return BROKEN(v, n, "operand %u is not defined before", i);
    if (n->n_in < info->n_in_min || (info->n_in_max && n->n_in > info->n_in_max))
        return BROKEN(v, n, "has %u operands", n->n_in);
    TRY(check_attrs(v, n));
    TRY(check_distinct(v, n, id));
    TRY(check_subregions(v, n, id));
    for (uint32_t i = 0; i < n->n_out; i++) {
        if ((uint64_t)n->out + i >= g->values.n) return BROKEN(v, n, "result %u does not exist", i);
        const value *val = graph_value(g, n->out + i);
        bool is_mine = val->def == id && val->index == i && val->region == where && !v->is_seen[n->out + i];
        if (!is_mine) return BROKEN(v, n, "result %u belongs to another node", i);
        TRY(check_dims(v, n, val->type.rank, val->type.shape));
        v->is_seen[n->out + i] = true;
    }
    return check_types(v, n);
}

static frit_status check_region(verifier *v, region_id id) {
    const region *r = &v->g->regions.at[id];
    for (uint32_t i = 0; i < r->params.n; i++) {
        const value *val = graph_value(v->g, r->params.at[i]);
        if (val->def != NODE_NONE || val->index != i || val->region != id)
            return BROKEN(v, (const node *)NULL, "parameter %u of region %u belongs elsewhere", i, id);
        v->is_seen[r->params.at[i]] = true;
    }
    for (uint32_t i = 0; i < r->nodes.n; i++) TRY(check_node(v, id, r->nodes.at[i]));
    for (uint32_t i = 0; i < r->results.n; i++)
        if (r->results.at[i] >= v->g->values.n || !v->is_seen[r->results.at[i]])
            return BROKEN(v, (const node *)NULL, "result %u of region %u is not defined in it", i, id);
    if (id == 0) return FRIT_OK;
    /* what was defined inside is out of scope behind the region */
    for (uint32_t i = 0; i < r->params.n; i++) v->is_seen[r->params.at[i]] = false;
    for (uint32_t i = 0; i < r->nodes.n; i++) {
        const node *n = graph_node(v->g, r->nodes.at[i]);
        for (uint32_t k = 0; k < n->n_out; k++) v->is_seen[n->out + k] = false;
    }
    return FRIT_OK;
}

static frit_status check_names(const verifier *v, uint32_t n, const port *ports, const char *what) {
    map names = {.a = v->c->scratch};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t other = 0;
        if (!ports[i].name) return BROKEN(v, (const node *)NULL, "%s %u has no name", what, i);
        if (map_get_str(&names, ports[i].name, &other))
            return FAIL(v->c, FORMAT, v->g->name, "two %ss are named '%s'", what, ports[i].name);
        map_set_str(&names, ports[i].name, i);
    }
    return FRIT_OK;
}

static const port *state_port(uint32_t n, const port *ports, uint32_t state, uint32_t *out_count) {
    const port *found = NULL;
    *out_count = 0;
    for (uint32_t i = 0; i < n; i++)
        if (ports[i].state == state) {
            found = &ports[i];
            ++*out_count;
        }
    return found;
}

static frit_status check_states(const verifier *v) {
    const graph *g = v->g;
    for (uint32_t i = 0; i < g->inputs.n + g->outputs.n; i++) {
        uint32_t state = i < g->inputs.n ? g->inputs.at[i].state : g->outputs.at[i - g->inputs.n].state;
        if (state == UINT32_MAX) continue;
        uint32_t n_in = 0, n_out = 0;
        const port *in = state_port(g->inputs.n, g->inputs.at, state, &n_in);
        const port *out = state_port(g->outputs.n, g->outputs.at, state, &n_out);
        if (n_in != 1 || n_out != 1)
            return FAIL(v->c, FORMAT, g->name, "state %u has %u inputs and %u outputs, needs one of each", state, n_in,
                        n_out);
        if (!types_equal(g, &in->type, &out->type))
            return FAIL(v->c, SHAPE, g->name, "state %u: input '%s' and output '%s' differ in type", state, in->name,
                        out->name);
    }
    return FRIT_OK;
}

static frit_status check_ports(const verifier *v) {
    const graph *g = v->g;
    const region *body = &g->regions.at[0];
    if (g->inputs.n != body->params.n || g->outputs.n != body->results.n)
        return BROKEN(v, (const node *)NULL, "ports do not parallel the body");
    for (uint32_t i = 0; i < g->inputs.n; i++)
        if (!types_equal(g, &g->inputs.at[i].type, graph_type(g, body->params.at[i])))
            return BROKEN(v, (const node *)NULL, "input %u has another type than its value", i);
    for (uint32_t i = 0; i < g->outputs.n; i++)
        if (!types_equal(g, &g->outputs.at[i].type, graph_type(g, body->results.at[i])))
            return BROKEN(v, (const node *)NULL, "output %u has another type than its value", i);
    TRY(check_names(v, g->inputs.n, g->inputs.at, "input"));
    TRY(check_names(v, g->outputs.n, g->outputs.at, "output"));
    return check_states(v);
}

frit_status graph_verify(cx *c, const graph *g) {
    arena *a = c->scratch;
    verifier v = {.c = c, .g = g, .keys = {.a = a}};
    v.is_seen = ARENA_ARRAY(a, bool, g->values.n + 1);
    v.region_user = ARENA_ARRAY(a, node_id, g->regions.n);
    for (uint32_t i = 0; i < g->regions.n; i++) v.region_user[i] = NODE_NONE;
    if (g->regions.n == 0 || g->regions.at[0].parent != REGION_NONE)
        return BROKEN(&v, (const node *)NULL, "has no body");
    for (uint32_t i = 0; i < g->contracts.n; i++) {
        TRY(check_dims(&v, NULL, 2, (dim[]){g->contracts.at[i].lhs, g->contracts.at[i].rhs}));
        if (g->contracts.at[i].region >= g->regions.n)
            return BROKEN(&v, (const node *)NULL, "has a contract of region %u", g->contracts.at[i].region);
    }
    TRY(check_region(&v, 0));
    for (uint32_t i = 1; i < g->regions.n; i++)
        if (v.region_user[i] == NODE_NONE) return BROKEN(&v, (const node *)NULL, "region %u belongs to no node", i);
    return check_ports(&v);
}
