/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Building graphs: values, interned nodes, regions, ports and contracts. */
#include "ir/graph/graph.h"

#include <string.h>

#include "ir/op/attrs.h"

enum { OUT_CAPACITY = 64 };

graph *graph_new(arena *a, const char *name, dim_table *dims) {
    graph *g = ARENA_NEW(a, graph);
    g->a = a;
    g->name = arena_strdup(a, name ? name : "main");
    g->dims = dims;
    g->interned.a = a;
    g->loc_ids.a = a;
    region body = {.parent = REGION_NONE};
    vec_push(a, g->regions, body);
    vec_push(a, g->locs, "");
    map_set_str(&g->loc_ids, "", 0);
    return g;
}

loc_id graph_loc(graph *g, const char *text) {
    uint32_t id = 0;
    if (!text || map_get_str(&g->loc_ids, text, &id)) return id;
    id = g->locs.n;
    vec_push(g->a, g->locs, arena_strdup(g->a, text));
    map_set_str(&g->loc_ids, text, id);
    return id;
}

static tensor_type type_own(graph *g, tensor_type t) {
    t.shape = arena_copy(g->a, t.shape, t.rank * sizeof *t.shape);
    return t;
}

static value_id value_add(graph *g, tensor_type t, node_id def, uint32_t index, region_id r) {
    value v = {.type = type_own(g, t), .def = def, .index = index, .region = r};
    vec_push(g->a, g->values, v);
    return g->values.n - 1;
}

/* A symbol that no input binds yet is bound by the first input dim that is that symbol. */
static void input_bind_syms(graph *g, uint32_t input, const tensor_type *t) {
    for (uint32_t axis = 0; axis < t->rank; axis++) {
        sym_id s = SYM_NONE;
        if (!dim_is_sym(g->dims, t->shape[axis], &s)) continue;
        sym_info *info = dim_sym_info(g->dims, s);
        if (info->kind != SYM_FREE) continue;
        info->kind = SYM_INPUT_DIM;
        info->input = input;
        info->axis = axis;
    }
}

value_id graph_input(graph *g, const char *name, dtype dt, uint32_t rank, const dim *shape) {
    ASSERT(rank <= MAX_RANK);
    value_id v = value_add(g, (tensor_type){dt, rank, shape}, NODE_NONE, g->inputs.n, 0);
    const tensor_type *t = graph_type(g, v);
    port p = {.name = arena_strdup(g->a, name), .type = *t, .state = UINT32_MAX};
    input_bind_syms(g, g->inputs.n, t);
    g->values.at[v].name = p.name;
    vec_push(g->a, g->inputs, p);
    vec_push(g->a, g->regions.at[0].params, v);
    return v;
}

void graph_output(graph *g, const char *name, value_id v) {
    port p = {.name = arena_strdup(g->a, name), .type = *graph_type(g, v), .state = UINT32_MAX};
    vec_push(g->a, g->outputs, p);
    vec_push(g->a, g->regions.at[0].results, v);
}

/* A node on its way into the graph. */
typedef struct node_draft {
    infer_args args;
    key_buf key;
    uint32_t n_out;
    tensor_type *types;
} node_draft;

static const char *where_of(const graph *g, loc_id loc) { return loc && g->locs.at[loc][0] ? g->locs.at[loc] : NULL; }

/* Key of the draft with the region left open as the first word; operands of commutative operators in order of id. */
static void draft_key(node_draft *d) {
    const infer_args *a = &d->args;
    d->key.n = 0;
    key_add_u32(&d->key, 0);
    key_add_u32(&d->key, a->op);
    key_add_u32(&d->key, a->n_in);
    bool swap = op_is(a->op, OPF_COMM) && a->n_in == 2 && a->in[1] < a->in[0];
    for (uint32_t i = 0; i < a->n_in; i++) key_add_u32(&d->key, a->in[swap ? 1 - i : i]);
    attrs_key(&d->key, a->op, a->attrs);
}

static bool draft_find(node_draft *d, node_id *out) {
    const graph *g = d->args.g;
    for (region_id r = g->at; r != REGION_NONE; r = g->regions.at[r].parent) {
        memcpy(d->key.at, &r, sizeof r);
        if (map_get(&g->interned, d->key.at, d->key.n, out)) return true;
    }
    return false;
}

static void draft_intern(node_draft *d, node_id n) {
    graph *g = d->args.g;
    memcpy(d->key.at, &g->at, sizeof g->at);
    map_set(&g->interned, d->key.at, d->key.n, n);
}

static node_id draft_append(node_draft *d) {
    const infer_args *a = &d->args;
    graph *g = a->g;
    node n = {
        .op = a->op, .loc = a->loc, .region = g->at, .n_in = a->n_in, .n_out = d->n_out, .n_regions = a->n_regions};
    n.in = arena_copy(g->a, a->in, a->n_in * sizeof *a->in);
    n.regions = arena_copy(g->a, a->regions, a->n_regions * sizeof *a->regions);
    n.attrs = a->attrs;
    n.out = g->values.n;
    node_id id = g->nodes.n;
    for (uint32_t i = 0; i < d->n_out; i++) value_add(g, d->types[i], id, i, g->at);
    vec_push(g->a, g->nodes, n);
    vec_push(g->a, g->regions.at[g->at].nodes, id);
    return id;
}

static frit_status draft_check(cx *c, const infer_args *a) {
    const op_info *info = op_info_of(a->op);
    bool too_many = info->n_in_max && a->n_in > info->n_in_max;
    bool is_wrong = a->n_in < info->n_in_min || too_many || (a->op == OP_const && a->n_in);
    if (is_wrong)
        return FAIL(c, TYPE, where_of(a->g, a->loc), "%s: takes %u%s operands, got %u", info->name, info->n_in_min,
                    info->n_in_max == info->n_in_min ? "" : " or more", a->n_in);
    for (uint32_t i = 0; i < a->n_in; i++) ASSERT(a->in[i] < a->g->values.n);
    return FRIT_OK;
}

static uint32_t out_capacity(const infer_args *a) {
    uint32_t n = OUT_CAPACITY;
    for (uint32_t i = 0; i < a->n_regions; i++) {
        uint32_t results = a->g->regions.at[a->regions[i]].results.n;
        if (results > n) n = results;
    }
    return n;
}

frit_status graph_add_region_node(cx *c, graph *g, op_code op, loc_id loc, uint32_t n_in, const value_id *in,
                                  const void *attrs, uint32_t n_regions, const region_id *regions,
                                  value_id *out_first) {
    node_draft d = {.args = {g, op, n_in, in, NULL, n_regions, regions, loc}, .key = {.a = c->scratch}};
    TRY(draft_check(c, &d.args));
    d.args.attrs = attrs ? attrs_copy(g->a, op, attrs) : attrs_new(g->a, op);
    bool is_interned = !op_is(op, OPF_REGION) && !op_is(op, OPF_NOCSE);
    node_id id = NODE_NONE;
    if (is_interned) {
        draft_key(&d);
        if (draft_find(&d, &id)) {
            *out_first = g->nodes.at[id].out;
            return FRIT_OK;
        }
    }
    node_draft raw = d; /* as given; inference may normalise the attributes into an equal node */
    raw.key.at = is_interned ? arena_copy(c->scratch, d.key.at, d.key.n) : NULL;
    d.types = ARENA_ARRAY(c->scratch, tensor_type, out_capacity(&d.args));
    TRY(graph_infer(c, &d.args, d.types, &d.n_out));
    if (is_interned) draft_key(&d);
    if (!is_interned || !draft_find(&d, &id)) {
        id = draft_append(&d);
        if (is_interned) draft_intern(&d, id);
    }
    if (is_interned) draft_intern(&raw, id);
    *out_first = g->nodes.at[id].out;
    return FRIT_OK;
}

frit_status graph_add(cx *c, graph *g, op_code op, loc_id loc, uint32_t n_in, const value_id *in, const void *attrs,
                      value_id *out_first) {
    return graph_add_region_node(c, g, op, loc, n_in, in, attrs, 0, NULL, out_first);
}

region_id graph_region_begin(graph *g, uint32_t n_params, const tensor_type *types) {
    region_id id = g->regions.n;
    region r = {.parent = g->at};
    vec_push(g->a, g->regions, r);
    g->at = id;
    for (uint32_t i = 0; i < n_params; i++) {
        value_id v = value_add(g, types[i], NODE_NONE, i, id);
        vec_push(g->a, g->regions.at[id].params, v);
    }
    return id;
}

void graph_region_end(graph *g, uint32_t n_results, const value_id *results) {
    ASSERT(g->at != 0);
    region *r = &g->regions.at[g->at];
    for (uint32_t i = 0; i < n_results; i++) vec_push(g->a, r->results, results[i]);
    g->at = r->parent;
}

bool graph_is_within(const graph *g, region_id r, region_id outer) {
    for (; r != REGION_NONE; r = g->regions.at[r].parent)
        if (r == outer) return true;
    return false;
}

/* Where a contract comes from: the location that its text begins with ("LOC: OP: ..."), else the operator, else all of
 * the text. */
static const char *contract_origin(const graph *g, const contract *k) {
    const char *colon = strstr(k->text, ": ");
    return colon ? arena_strndup(g->a, k->text, (size_t)(colon - k->text)) : k->text;
}

/* What a contract says about a single symbol; false when it is about several or not linear. */
static bool contract_solve(dim_table *t, const contract *k, dim_range *out) {
    dim lo, hi;
    int64_t most;
    switch (k->kind) {
    case CK_EQUAL:
        return dim_solve_equal(t, k->lhs, k->rhs, out);
    case CK_AT_MOST:
        return dim_solve_at_most(t, k->lhs, k->rhs, out);
    case CK_BROADCASTS:
    case CK_EXPANDS: /* n ~ min(n, 512): where n is 1, both are */
        return dim_equal_as_order(t, k->lhs, k->rhs, &lo, &hi) && dim_is_const(t, hi, &most) && most > 1 &&
               dim_solve_at_most(t, lo, hi, out);
    case CK_ASSUMED:
        return false;
    }
    return false;
}

/* A size that is a number or 1; the number is what it most likely is. */
static void tighten_broadcast(graph *g, const contract *k) {
    sym_id s = SYM_NONE;
    int64_t bound = 0;
    bool swap = k->kind == CK_BROADCASTS && !dim_is_sym(g->dims, k->lhs, &s);
    dim lhs = swap ? k->rhs : k->lhs, rhs = swap ? k->lhs : k->rhs;
    if (!dim_is_sym(g->dims, lhs, &s) || !dim_is_const(g->dims, rhs, &bound)) return;
    sym_info *info = dim_sym_info(g->dims, s);
    if (info->kind != SYM_INPUT_DIM || bound < info->lo || bound > info->hi) return;
    if (bound > 1 && info->lo < 1) info->lo = 1;
    int64_t most = bound > 1 ? bound : 1;
    if (most < info->hi) info->hi = most, info->why_hi = contract_origin(g, k);
    if (!info->hint) info->hint = bound;
}

/* A bound on an input dim, or the one extent it may have, is one of its symbol too: later proofs and arena sizes profit,
 * and a call that breaks it is told so. What only a region requires binds nothing: it may not run. */
static void tighten(graph *g, const contract *k) {
    dim_range r;
    bool is_general = k->region == 0 && !g->is_case;
    if (!is_general) return;
    if (k->kind == CK_BROADCASTS || k->kind == CK_EXPANDS) tighten_broadcast(g, k);
    if (!contract_solve(g->dims, k, &r)) return;
    sym_info *info = dim_sym_info(g->dims, r.sym);
    if (info->kind != SYM_INPUT_DIM || r.lo > r.hi || r.lo > info->hi || r.hi < info->lo) return;
    if (r.lo > info->lo) info->lo = r.lo, info->why_lo = contract_origin(g, k);
    if (r.hi < info->hi) info->hi = r.hi, info->why_hi = contract_origin(g, k);
}

static bool is_symmetric(contract_kind kind) { return kind != CK_AT_MOST && kind != CK_EXPANDS; }

void graph_add_contract(graph *g, const contract *k) {
    for (uint32_t i = 0; i < g->contracts.n; i++) {
        const contract *old = &g->contracts.at[i];
        bool same = old->lhs == k->lhs && old->rhs == k->rhs;
        bool swapped = is_symmetric(k->kind) && old->lhs == k->rhs && old->rhs == k->lhs;
        bool holds = graph_is_within(g, k->region, old->region);
        if (holds && old->kind == k->kind && (same || swapped)) return;
    }
    contract own = *k;
    own.text = arena_strdup(g->a, k->text);
    vec_push(g->a, g->contracts, own);
    tighten(g, &own);
}

/* Whether it holds for every call. */
static bool is_proven(dim_table *t, dim lhs, dim rhs, contract_kind kind) {
    dim one = dim_const(t, 1);
    if (kind == CK_AT_MOST) return dim_le(t, lhs, rhs);
    bool either = (kind == CK_BROADCASTS || kind == CK_EXPANDS) && dim_equal(t, lhs, one);
    return either || (kind == CK_BROADCASTS && dim_equal(t, rhs, one)) || dim_equal(t, lhs, rhs);
}

/* Whether it holds for no call. */
static bool is_hopeless(dim_table *t, dim lhs, dim rhs, contract_kind kind) {
    dim one = dim_const(t, 1);
    if (kind == CK_AT_MOST) return dim_lt(t, rhs, lhs);
    if (!dim_never_equal(t, lhs, rhs)) return false;
    if (kind == CK_EQUAL || kind == CK_ASSUMED) return true;
    return dim_never_equal(t, lhs, one) && (kind == CK_EXPANDS || dim_never_equal(t, rhs, one));
}

/* A contract on one symbol has something in common with its range. */
static frit_status check_possible(cx *c, graph *g, const contract *k) {
    dim_range r;
    if (!contract_solve(g->dims, k, &r)) return FRIT_OK;
    const sym_info *info = dim_sym_info(g->dims, r.sym);
    if (r.lo > r.hi) return FAIL(c, SHAPE, NULL, "%s", k->text);
    if (r.lo <= info->hi && r.hi >= info->lo) return FRIT_OK;
    return FAIL(c, SHAPE, NULL, "%s; it only works with %s, and %s", k->text,
                dim_range_text(c->job, info->name, r.lo, r.hi), dim_range_text(c->job, info->name, info->lo, info->hi));
}

frit_status graph_require(cx *c, graph *g, dim lhs, dim rhs, contract_kind kind, const char *text) {
    if (lhs == DIM_BAD || rhs == DIM_BAD) return FAIL(c, RANGE, NULL, "%s: a dim overflows 64 bits", text);
    if (is_proven(g->dims, lhs, rhs, kind)) return FRIT_OK;
    if (is_hopeless(g->dims, lhs, rhs, kind)) return FAIL(c, SHAPE, NULL, "%s", text);
    contract k = {lhs, rhs, kind, text, g->at};
    TRY(check_possible(c, g, &k));
    graph_add_contract(g, &k);
    return FRIT_OK;
}

bool contract_holds(contract_kind kind, int64_t lhs, int64_t rhs) {
    switch (kind) {
    case CK_AT_MOST:
        return lhs <= rhs;
    case CK_EQUAL:
        return lhs == rhs;
    case CK_BROADCASTS:
        return lhs == rhs || lhs == 1 || rhs == 1;
    case CK_EXPANDS:
        return lhs == rhs || lhs == 1;
    case CK_ASSUMED:
        return true;
    }
    return false;
}

/* "n = 3", or "5" for a number. */
static const char *side_text(cx *c, const dim_table *t, dim d, int64_t amount) {
    if (dim_is_const(t, d, NULL)) return arena_printf(c->job, "%lld", (long long)amount);
    return arena_printf(c->job, "%s = %lld", dim_text(c->job, t, d), (long long)amount);
}

frit_status contract_check(cx *c, const dim_table *t, const contract *k, const int64_t *syms) {
    int64_t lhs, rhs;
    TRY(dim_eval(c, t, k->lhs, syms, &lhs));
    TRY(dim_eval(c, t, k->rhs, syms, &rhs));
    if (contract_holds(k->kind, lhs, rhs)) return FRIT_OK;
    if (k->kind == CK_BROADCASTS || k->kind == CK_EXPANDS)
        return FAIL(c, SHAPE, NULL, "%s %s and %s do not broadcast: they must be equal or %s 1", k->text,
                    side_text(c, t, k->lhs, lhs), side_text(c, t, k->rhs, rhs),
                    k->kind == CK_BROADCASTS ? "one of them" : "the first");
    return FAIL(c, SHAPE, k->text, "%lld %s %lld", (long long)lhs, k->kind == CK_EQUAL ? "is not" : "is more than",
                (long long)rhs);
}

/* Whether the dims mention a symbol whose value the program itself finds. */
static bool mentions_counted(const graph *g, dim a, dim b) {
    for (sym_id s = 0; s < dim_n_syms(g->dims); s++) {
        sym_kind kind = dim_sym_info(g->dims, s)->kind;
        bool is_counted = kind == SYM_RESULT || kind == SYM_ITERATION;
        if (is_counted && (dim_depends(g->dims, a, s) || dim_depends(g->dims, b, s))) return true;
    }
    return false;
}

bool contract_mentions(const graph *g, const contract *k, sym_id s) {
    return dim_depends(g->dims, k->lhs, s) || dim_depends(g->dims, k->rhs, s);
}

bool contract_is_counted(const graph *g, const contract *k) { return mentions_counted(g, k->lhs, k->rhs); }

/* Whether n counts symbol s: that an operator finds, or in which the branches of an if differ. */
static bool counts(const graph *g, const node *n, sym_id s) {
    const dim_list *l = NULL;
    if (n->op == OP_nonzero) l = &((const attr_dims *)n->attrs)->dims;
    if (n->op == OP_while) l = &((const attr_while *)n->attrs)->trips;
    if (l) return l->n == 1 && l->at[0] == dim_of_sym(g->dims, s);
    return n->op == OP_if && if_counts(g, n, s, NULL);
}

node_id graph_counter(const graph *g, sym_id s) {
    for (node_id i = 0; i < g->nodes.n; i++)
        if (counts(g, graph_node(g, i), s)) return i;
    return NODE_NONE;
}

bool if_counts(const graph *g, const node *n, sym_id s, dim out_extents[2]) {
    const dim_list *l = &((const attr_if *)n->attrs)->dims;
    const region *branch[2] = {&g->regions.at[n->regions[0]], &g->regions.at[n->regions[1]]};
    dim d = dim_of_sym(g->dims, s);
    for (uint32_t i = 0, at = 0; i < n->n_out && l->n; i++) {
        const tensor_type *t = graph_type(g, n->out + i);
        for (uint32_t k = 0; k < t->rank; k++, at++) {
            if (l->at[at] != d) continue;
            dim x = graph_type(g, branch[0]->results.at[i])->shape[k];
            dim y = graph_type(g, branch[1]->results.at[i])->shape[k];
            if (out_extents) out_extents[0] = x, out_extents[1] = y;
            if (x != d || y != d) return true;
        }
    }
    return false;
}

bool graph_may_assume_equal(const graph *g, dim x, dim y) {
    return !mentions_counted(g, x, y) && !dim_never_equal(g->dims, x, y);
}

axis_fit graph_axis_fit(const graph *g, dim extent, dim result) {
    if (dim_equal(g->dims, extent, dim_const(g->dims, 1))) return FIT_ONE;
    if (dim_equal(g->dims, extent, result)) return FIT_SAME;
    return g->is_case && graph_may_assume_equal(g, extent, result) ? FIT_SAME : FIT_EITHER;
}

dim graph_axis_index(const graph *g, dim extent, dim result, dim at) {
    dim_table *t = g->dims;
    dim zero = dim_const(t, 0);
    switch (graph_axis_fit(g, extent, result)) {
    case FIT_ONE:
        return zero;
    case FIT_SAME:
        return at;
    case FIT_EITHER: /* the last element is the only one, or at's own */
        return dim_max(t, zero, dim_min(t, at, dim_sub(t, extent, dim_const(t, 1))));
    }
    return at;
}

const node *graph_def(const graph *g, value_id v) {
    node_id n = g->values.at[v].def;
    return n == NODE_NONE ? NULL : &g->nodes.at[n];
}

const const_data *graph_const(const graph *g, value_id v) {
    const node *n = graph_def(g, v);
    return n && n->op == OP_const ? &((const attr_const *)n->attrs)->data : NULL;
}

dim graph_n_elements(graph *g, value_id v) {
    const tensor_type *t = graph_type(g, v);
    return dim_product(g->dims, t->rank, t->shape);
}

bool graph_is_empty(const graph *g, value_id v) {
    const tensor_type *t = graph_type(g, v);
    for (uint32_t i = 0; i < t->rank; i++) {
        int64_t lo, hi;
        dim_bounds(g->dims, t->shape[i], &lo, &hi);
        if (hi <= 0) return true;
    }
    return false;
}

uint32_t *graph_count_uses(arena *a, const graph *g) {
    uint32_t *uses = ARENA_ARRAY(a, uint32_t, g->values.n);
    for (uint32_t i = 0; i < g->nodes.n; i++)
        for (uint32_t k = 0; k < g->nodes.at[i].n_in; k++) uses[g->nodes.at[i].in[k]]++;
    for (uint32_t i = 0; i < g->regions.n; i++)
        for (uint32_t k = 0; k < g->regions.at[i].results.n; k++) uses[g->regions.at[i].results.at[k]]++;
    return uses;
}
