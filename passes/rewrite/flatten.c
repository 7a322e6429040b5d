/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* flatten: control flow whose course is known becomes straight code; so does a branch that costs less than branching.
 *
 *    %y = if %c, %x region(%a: f32[4]) { %n = neg %a  yield %n } region(%b: f32[4]) { yield %b } : f32[4]
 *  becomes
 *    %n = neg %x      %y = select %c, %n, %x
 *
 * An `if` on a constant keeps the region that it takes, unless it counts extents in which the regions differ. A `while`
 * with a constant trip count that cannot stop early, and a scan over a constant extent, are written out while that
 * stays small. Loops with results of unknown extent stay.
 */
#include <string.h>

#include "passes/kit/build.h"
#include "passes/kit/pattern.h"
#include "passes/pipeline.h"

enum { MAX_BRANCH_NODES = 32, MAX_TRIPS = 64, MAX_UNROLLED_NODES = 256, MAX_GRAPH = 65536 };

static const region *region_of(const graph_rewriter *r, const node *n, uint32_t i) {
    return &r->from->regions.at[n->regions[i]];
}

/* Nodes that may run although the program would not have run them: no loops, no reductions, no loads by index, and
 * nothing that is demanded of sizes. */
static bool is_cheap(const graph *g, region_id id) {
    const region *reg = &g->regions.at[id];
    for (uint32_t i = 0; i < g->contracts.n; i++)
        if (g->contracts.at[i].region == id) return false;
    for (uint32_t i = 0; i < reg->nodes.n; i++) {
        const node *n = graph_node(g, reg->nodes.at[i]);
        if (!op_is(n->op, OPF_EW) && !op_is(n->op, OPF_VIEW) && n->n_in > 0) return false;
    }
    return reg->nodes.n <= MAX_BRANCH_NODES;
}

static bool same_types(const graph *g, const value_id *x, const value_id *y, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        const tensor_type *a = graph_type(g, x[i]), *b = graph_type(g, y[i]);
        if (a->rank != b->rank) return false;
        for (uint32_t k = 0; k < a->rank; k++)
            if (!dim_equal(g->dims, a->shape[k], b->shape[k])) return false;
    }
    return true;
}

static frit_status flatten_if(graph_rewriter *r, const node *n, bool *out_done) {
    const value_id *in = graph_rewrite_operands(r, n);
    value_id *taken = ARENA_ARRAY(r->c->scratch, value_id, n->n_out + 1);
    value_id *other = ARENA_ARRAY(r->c->scratch, value_id, n->n_out + 1);
    const region *yes = region_of(r, n, 0), *no = region_of(r, n, 1);
    build b = {.c = r->c, .g = r->to, .loc = n->loc};
    double condition = 0;
    bool is_known = pattern_number(r->to, in[0], &condition);
    bool is_select = is_cheap(r->from, n->regions[0]) && is_cheap(r->from, n->regions[1]) &&
                     same_types(r->from, yes->results.at, no->results.at, n->n_out);
    bool is_counted = ((const attr_if *)n->attrs)->dims.n > 0; /* others mention the symbols that it counts */
    if (is_counted || (!is_known && !is_select)) return FRIT_OK;
    TRY(graph_rewrite_inline(r, n->regions[is_known && condition == 0], in + 1, taken));
    if (!is_known) TRY(graph_rewrite_inline(r, n->regions[1], in + 1, other));
    for (uint32_t i = 0; i < n->n_out; i++)
        r->map[n->out + i] = is_known ? taken[i] : build_select(&b, in[0], taken[i], other[i]);
    *out_done = true;
    return b.status;
}

/* Whether a node of the region, or inside of one, counts an extent: a copy of it would count the same symbol. */
static bool has_counts(const graph *g, region_id id) {
    for (sym_id s = 0; s < dim_n_syms(g->dims); s++) {
        if (dim_sym_info(g->dims, s)->kind != SYM_RESULT) continue;
        node_id by = graph_counter(g, s);
        if (by != NODE_NONE && graph_is_within(g, graph_node(g, by)->region, id)) return true;
    }
    return false;
}

static bool is_affordable(const graph *g, region_id id, int64_t trips) {
    const region *body = &g->regions.at[id];
    return trips >= 1 && trips <= (int64_t)MAX_TRIPS && trips * (int64_t)body->nodes.n <= MAX_UNROLLED_NODES &&
           !has_counts(g, id);
}

/* Parts of a scanned result, one for each trip, put together along axis. */
static value_id join(build *b, value_id *parts, uint32_t n, uint32_t axis) {
    for (uint32_t i = 0; i < n && build_ok(b); i++) {
        const tensor_type *t = build_type(b, parts[i]);
        dim shape[MAX_RANK];
        memcpy(shape, t->shape, axis * sizeof *shape);
        shape[axis] = dim_const(b->g->dims, 1);
        memcpy(shape + axis + 1, t->shape + axis, (t->rank - axis) * sizeof *shape);
        parts[i] = build_reshape(b, parts[i], t->rank + 1, shape);
    }
    return n == 1 ? parts[0] : build_node(b, OP_concat, n, parts, &(attr_axis){.axis = axis});
}

/* Trips of a while that runs to its end: a constant count, a condition that starts and stays true. */
static bool known_trips(const graph_rewriter *r, const node *n, const value_id *in, int64_t *out) {
    const attr_while *a = n->attrs;
    const region *body = region_of(r, n, 0);
    double trips = 0, go = 0, stay = 0;
    if (!pattern_number(r->to, in[0], &trips) || !pattern_number(r->to, in[1], &go) || go == 0) return false;
    value_id next = body->results.at[0];
    bool is_passed_on = next == body->params.at[1];
    if (!is_passed_on && (!pattern_number(r->from, next, &stay) || stay == 0)) return false;
    bool has_scans = a->trips.n > 0;
    if (has_scans && (!dim_is_const(r->from->dims, a->trips.at[0], out) || (double)*out != trips)) return false;
    *out = (int64_t)trips;
    return trips <= (int64_t)MAX_TRIPS && is_affordable(r->from, n->regions[0], *out);
}

static frit_status flatten_while(graph_rewriter *r, const node *n, bool *out_done) {
    const attr_while *a = n->attrs;
    const region *body = region_of(r, n, 0);
    const value_id *in = graph_rewrite_operands(r, n);
    int64_t trips = 0;
    if (!known_trips(r, n, in, &trips)) return FRIT_OK;
    build b = {.c = r->c, .g = r->to, .loc = n->loc};
    uint32_t carried = (uint32_t)a->n_carried, scans = n->n_out - carried;
    value_id *now = ARENA_ARRAY(r->c->scratch, value_id, n->n_in + 1);
    value_id *results = ARENA_ARRAY(r->c->scratch, value_id, body->results.n + 1);
    value_id *parts = ARENA_ARRAY(r->c->scratch, value_id, (uint64_t)scans * (uint64_t)trips + 1);
    memcpy(now, in, n->n_in * sizeof *now);
    for (int64_t i = 0; i < trips; i++) {
        now[0] = build_splat(&b, FRIT_DT_I64, (double)i);
        TRY(b.status);
        TRY(graph_rewrite_inline(r, n->regions[0], now, results));
        memcpy(now + 2, results + 1, carried * sizeof *now);
        for (uint32_t k = 0; k < scans; k++) parts[k * trips + i] = results[1 + carried + k];
    }
    for (uint32_t i = 0; i < carried; i++) r->map[n->out + i] = now[2 + i];
    for (uint32_t k = 0; k < scans; k++) r->map[n->out + carried + k] = join(&b, parts + k * trips, (uint32_t)trips, 0);
    *out_done = true;
    return b.status;
}

/* Element i of x along axis, without the axis. */
static value_id element(build *b, value_id x, uint32_t axis, int64_t i) {
    if (!build_ok(b)) return VALUE_NONE;
    dim shape[MAX_RANK];
    uint32_t rank = 0;
    for (uint32_t k = 0; k < build_rank(b, x); k++)
        if (k != axis) shape[rank++] = build_type(b, x)->shape[k];
    dim_table *t = b->g->dims;
    return build_reshape(b, build_slice_axis(b, x, axis, dim_const(t, i), dim_const(t, 1), 1), rank, shape);
}

static frit_status flatten_scan(graph_rewriter *r, const node *n, bool *out_done) {
    const attr_scan_loop *a = n->attrs;
    const region *body = region_of(r, n, 0);
    const value_id *in = graph_rewrite_operands(r, n);
    uint32_t carried = (uint32_t)a->n_carried, scanned = a->in_axes.n, outs = a->out_axes.n;
    int64_t trips = 0;
    if (scanned == 0) return FRIT_OK;
    dim extent = graph_type(r->to, in[carried])->shape[a->in_axes.at[0]];
    if (!dim_is_const(r->to->dims, extent, &trips) || !is_affordable(r->from, n->regions[0], trips)) return FRIT_OK;
    build b = {.c = r->c, .g = r->to, .loc = n->loc};
    value_id *now = ARENA_ARRAY(r->c->scratch, value_id, n->n_in + 1);
    value_id *results = ARENA_ARRAY(r->c->scratch, value_id, body->results.n + 1);
    value_id *parts = ARENA_ARRAY(r->c->scratch, value_id, (uint64_t)outs * (uint64_t)trips + 1);
    memcpy(now, in, n->n_in * sizeof *now);
    for (int64_t i = 0; i < trips; i++) {
        for (uint32_t k = 0; k < scanned; k++) {
            int64_t at = a->in_reverse.at[k] ? trips - 1 - i : i;
            now[carried + k] = element(&b, in[carried + k], (uint32_t)a->in_axes.at[k], at);
        }
        TRY(b.status);
        TRY(graph_rewrite_inline(r, n->regions[0], now, results));
        memcpy(now, results, carried * sizeof *now);
        for (uint32_t k = 0; k < outs; k++)
            parts[k * trips + (a->out_reverse.at[k] ? trips - 1 - i : i)] = results[carried + k];
    }
    for (uint32_t i = 0; i < carried; i++) r->map[n->out + i] = now[i];
    for (uint32_t k = 0; k < outs; k++)
        r->map[n->out + carried + k] = join(&b, parts + k * trips, (uint32_t)trips, (uint32_t)a->out_axes.at[k]);
    *out_done = true;
    return b.status;
}

static frit_status rewrite_node(graph_rewriter *r, const node *n, bool *out_done) {
    if (r->to->nodes.n > MAX_GRAPH) return FRIT_OK; /* loops in loops multiply */
    if (n->op == OP_if) return flatten_if(r, n, out_done);
    if (n->op == OP_while) return flatten_while(r, n, out_done);
    if (n->op == OP_scan_loop) return flatten_scan(r, n, out_done);
    return FRIT_OK;
}

frit_status pass_flatten(cx *c, const graph *g, graph **out) {
    graph *flat = NULL;
    TRY(graph_rewrite(c, g, rewrite_node, NULL, &flat));
    return graph_sweep(c, flat, out);
}
