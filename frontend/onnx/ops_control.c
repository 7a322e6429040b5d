/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* If, Loop and Scan. A condition or a trip count that is known while reading leaves no trace: the branch is taken, a
 * short loop unrolled. Everything else becomes a region. Bodies see the values around them directly. An if whose
 * branches give results of different ranks takes in what follows it, as ranks decide what operators do; a branch whose
 * sizes cannot fit is refused when it is taken. */
#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

#define MAX_UNROLLED 32   /* steps of a loop that are written out */
#define MAX_RESULTS  1024 /* of a body */
#define MAX_SPLITS   31   /* ifs that are read with all that follows them, once for each branch */

static const onnx_graph *body_of(reader *r, const call *n, const char *name) {
    const onnx_attr *a = attr_find(n, name);
    if (a && a->type == ATTR_GRAPH && a->g && a->g->outputs.n <= MAX_RESULTS) return a->g;
    if (!failed(r)) fail_node(r, FRIT_FORMAT, "has no subgraph '%s', or one of too many results", name);
    return NULL;
}

/* A bool or number that is known now: 0 or 1; -1 when not. */
static int known_truth(reader *r, value_id v) {
    known k;
    int64_t x;
    if (!known_dims(r, v, false, &k) || k.n != 1 || !dim_is_const(r->dims, k.at[0], &x)) return -1;
    return x != 0;
}

static value_id scalar_of(reader *r, value_id v) { return make_reshape(r, v, 0, NULL); }

static void set_results(call *n, uint32_t count, value_id first) {
    for (uint32_t i = 0; i < count && i < n->n_out && first != VALUE_NONE; i++) n->out[i] = first + i;
}

static value_id region_node(reader *r, op_code op, uint32_t n_in, const value_id *in, const void *attrs,
                            uint32_t n_regions, const region_id *regions) {
    value_id first = VALUE_NONE;
    if (failed(r) ||
        graph_add_region_node(r->c, r->g, op, r->loc, n_in, in, attrs, n_regions, regions, &first) != FRIT_OK)
        return VALUE_NONE;
    return first;
}

/* --- If --- */

/* The branches of an if while they are read: regions that stay open until it is known how their results fit. */
typedef struct branches {
    call *n;
    region_id regions[2];
    value_id *results[2];
    const char *refusals[2]; /* why a branch cannot be; NULL when it can */
    uint32_t count;          /* results */
} branches;

/* Continues branch k, calls read, and leaves the branch again. What cannot be for want of fitting sizes is refused when
 * the branch is taken. */
static void in_branch(reader *r, branches *b, uint32_t k, void (*read)(reader *, branches *, uint32_t)) {
    region_id outside = r->g->at;
    int depth = r->depth;
    const char *where = r->where;
    loc_id loc = r->loc;
    if (failed(r) || b->refusals[k]) return;
    r->g->at = b->regions[k];
    read(r, b, k);
    r->g->at = outside;
    bool is_misfit = r->c->status == FRIT_SHAPE || r->c->status == FRIT_RANGE;
    if (!is_misfit) return;
    b->refusals[k] = r->c->message ? r->c->message : "the branch has impossible sizes";
    cx_clear(r->c);
    r->depth = depth, r->where = where, r->loc = loc;
}

static void read_branch(reader *r, branches *b, uint32_t k) {
    const onnx_graph *g = body_of(r, b->n, k ? "else_branch" : "then_branch");
    if (!failed(r)) read_subgraph(r, b->n->f, g, 0, NULL, b->results[k]);
}

static bool same_ranks(const reader *r, const branches *b) {
    if (b->refusals[0] || b->refusals[1]) return true;
    for (uint32_t i = 0; i < b->count; i++)
        if (rank_of(r, b->results[0][i]) != rank_of(r, b->results[1][i])) return false;
    return true;
}

/* x with axes of 1 where shape `like`, of a higher rank, has extents that x does not: at its first ones that differ. */
static value_id raise_rank(reader *r, value_id x, tensor_type like) {
    tensor_type t = *type_of(r, x);
    dim shape[MAX_RANK];
    for (uint32_t i = 0, k = 0; i < like.rank; i++) {
        bool must = like.rank - i == t.rank - k;
        bool fits = k < t.rank && (must || dim_equal(r->dims, t.shape[k], like.shape[i]));
        shape[i] = fits ? t.shape[k++] : dimi(r, 1);
    }
    return make_reshape(r, x, like.rank, shape);
}

/* Whether all that two ranks differ in are axes of 1. */
static bool differ_by_ones(reader *r, const tensor_type *low, const tensor_type *high) {
    uint32_t n_ones = 0;
    for (uint32_t i = 0; i < high->rank; i++) n_ones += high->shape[i] == dimi(r, 1);
    return high->rank - low->rank == 1 || n_ones >= high->rank - low->rank;
}

/* Results of branch k get the ranks of the other's where those are higher. */
static void raise_ranks(reader *r, branches *b, uint32_t k) {
    for (uint32_t i = 0; i < b->count && !failed(r) && !b->refusals[!k]; i++) {
        tensor_type own = *type_of(r, b->results[k][i]), like = *type_of(r, b->results[!k][i]);
        if (own.rank >= like.rank) continue;
        if (differ_by_ones(r, &own, &like))
            b->results[k][i] = raise_rank(r, b->results[k][i], like);
        else
            fail_node(r, FRIT_SHAPE, "the branch taken gives a result of rank %u, the other one of rank %u", own.rank,
                      like.rank);
    }
}

/* An extent of the other branch, as it is seen from here: 0 in place of one that is counted inside of that branch. */
static dim seen_extent(reader *r, region_id other, dim d) {
    for (sym_id s = 0; s < dim_n_syms(r->dims); s++) {
        if (dim_sym_info(r->dims, s)->kind != SYM_RESULT || !dim_depends(r->dims, d, s)) continue;
        node_id by = graph_counter(r->g, s);
        if (by != NODE_NONE && graph_is_within(r->g, graph_node(r->g, by)->region, other)) return dimi(r, 0);
    }
    return d;
}

/* A branch that is refused when it is taken has results of the other's types, which nobody computes. */
static void refuse_branch(reader *r, branches *b, uint32_t k) {
    if (failed(r) || !b->refusals[k]) return;
    if (b->refusals[!k]) {
        cx_fail(r->c, FRIT_SHAPE, NULL, "%s", b->refusals[k]);
        return;
    }
    region_id outside = r->g->at;
    r->g->at = b->regions[k];
    contract never = {dimi(r, 1), dimi(r, 0), true, b->refusals[k], b->regions[k]};
    graph_add_contract(r->g, &never);
    for (uint32_t i = 0; i < b->count; i++) {
        tensor_type like = *type_of(r, b->results[!k][i]);
        dim shape[MAX_RANK];
        for (uint32_t d = 0; d < like.rank; d++) shape[d] = seen_extent(r, b->regions[!k], like.shape[d]);
        b->results[k][i] = make_broadcast(r, make_splat(r, like.dt, 0), like.rank, shape);
    }
    r->g->at = outside;
}

/* Everything that follows in the body, with this branch's results: a rank decides what operators do. */
static void read_rest(reader *r, branches *b, uint32_t k) {
    const char *names[MAX_RESULTS];
    value_id *values = ARENA_ARRAY(r->c->job, value_id, MAX_RESULTS);
    uint32_t n = tail_results(r, b->n->f, names);
    read_tail(r, b->n, b->results[k], n, names, values);
    b->results[k] = values;
}

static value_id finish_if(reader *r, branches *b, value_id condition) {
    region_id outside = r->g->at;
    for (uint32_t k = 0; k < 2; k++) in_branch(r, b, k, raise_ranks);
    for (uint32_t k = 0; k < 2; k++) refuse_branch(r, b, k);
    for (uint32_t k = 0; k < 2; k++) {
        r->g->at = b->regions[k];
        graph_region_end(r->g, failed(r) ? 0 : b->count, b->results[k]);
    }
    r->g->at = outside;
    return region_node(r, OP_if, 1, &condition, NULL, 2, b->regions);
}

/* Ranks differ: the if takes in all that follows it, once for each branch, and gives what the body gives. */
static void split_body(reader *r, call *n, branches *b, value_id condition) {
    const char *names[MAX_RESULTS];
    if (n->f->rest->n_results > MAX_RESULTS || r->n_splits++ >= MAX_SPLITS) {
        fail_node(r, FRIT_UNSUPPORTED, "too many branches give results of different ranks");
        return;
    }
    uint32_t count = tail_results(r, n->f, names);
    for (uint32_t k = 0; k < 2; k++) in_branch(r, b, k, read_rest);
    b->count = count;
    value_id first = finish_if(r, b, condition);
    end_tail(r, n, count, names, first);
}

static void take_branch(reader *r, call *n, const onnx_graph *taken) {
    value_id results[MAX_RESULTS];
    read_subgraph(r, n->f, taken, 0, NULL, results);
    for (uint32_t i = 0; i < n->n_out && i < taken->outputs.n && !failed(r); i++) n->out[i] = results[i];
}

/* Whether the condition is known now: 1 or 0; else -1. */
static int known_condition(reader *r, value_id v) {
    tensor t;
    int truth = known_truth(r, v);
    if (truth >= 0 || !known_tensor(r, v, &t) || tensor_count(&t) != 1) return truth;
    return dtype_load(t.dt, t.data, 0).i != 0;
}

void map_if(reader *r, call *n) {
    const onnx_graph *graphs[2] = {body_of(r, n, "then_branch"), body_of(r, n, "else_branch")};
    if (failed(r)) return;
    int truth = known_condition(r, n->in[0]);
    if (truth >= 0) {
        take_branch(r, n, graphs[!truth]);
        return;
    }
    branches b = {.n = n, .count = graphs[0]->outputs.n};
    value_id condition = scalar_of(r, n->in[0]);
    if (graphs[1]->outputs.n != b.count || n->n_out > b.count)
        fail_node(r, FRIT_FORMAT, "the branches give %u and %u results", b.count, graphs[1]->outputs.n);
    for (uint32_t k = 0; k < 2 && !failed(r); k++) {
        region_id outside = r->g->at;
        b.regions[k] = graph_region_begin(r->g, 0, NULL);
        r->g->at = outside;
        b.results[k] = ARENA_ARRAY(r->c->job, value_id, MAX_RESULTS);
        in_branch(r, &b, k, read_branch);
    }
    if (failed(r)) return;
    if (same_ranks(r, &b))
        set_results(n, b.count, finish_if(r, &b, condition));
    else
        split_body(r, n, &b, condition);
}

/* What a loop has while it is unrolled: carried values, and the slices of each scanned result. */
typedef struct unrolled {
    uint32_t n_carried, n_scanned, steps;
    value_id *carried;
    value_id *slices; /* [step][scanned] */
} unrolled;

static unrolled unroll_start(reader *r, uint32_t n_carried, uint32_t n_scanned, const value_id *carried) {
    unrolled u = {.n_carried = n_carried, .n_scanned = n_scanned};
    u.carried = ARENA_ARRAY(r->c->job, value_id, n_carried + 1);
    u.slices = ARENA_ARRAY(r->c->job, value_id, (n_scanned + 1) * (MAX_UNROLLED + 1));
    for (uint32_t i = 0; i < n_carried; i++) u.carried[i] = carried[i];
    return u;
}

/* Takes the results of a step: first the carried values, then the scanned ones. */
static void unroll_step(unrolled *u, const value_id *results) {
    for (uint32_t i = 0; i < u->n_carried; i++) u->carried[i] = results[i];
    for (uint32_t i = 0; i < u->n_scanned; i++) u->slices[u->steps * u->n_scanned + i] = results[u->n_carried + i];
    u->steps++;
}

/* Scanned result k, its slices stacked along axis. */
static value_id stacked(reader *r, const unrolled *u, uint32_t k, int64_t axis, bool reverse) {
    value_id parts[MAX_UNROLLED];
    for (uint32_t s = 0; s < u->steps; s++)
        parts[reverse ? u->steps - 1 - s : s] = make_unsqueeze(r, u->slices[s * u->n_scanned + k], axis);
    return make_concat(r, axis, u->steps, parts);
}

/* --- Loop --- */

typedef struct loop_call {
    const onnx_graph *body;
    uint32_t n_carried, n_scanned;
    int64_t trips; /* INT64_MAX: until the condition says so; -1: not known */
} loop_call;

/* What a loop of no steps collects: tensors without elements. What a step would have given says their other extents;
 * it is read into a region that nothing runs, which goes away with all that it requires of the dims. */
static void collect_nothing(reader *r, call *n, const loop_call *k) {
    value_id in[MAX_RESULTS], results[MAX_RESULTS];
    dim shape[MAX_RANK] = {dimi(r, 0)};
    graph_region_begin(r->g, 0, NULL);
    in[0] = scalar_of(r, make_ints(r, 1, &(int64_t){0}));
    in[1] = make_splat(r, FRIT_DT_BOOL, 1);
    for (uint32_t i = 0; i < k->n_carried; i++) in[2 + i] = n->in[2 + i];
    read_subgraph(r, n->f, k->body, 2 + k->n_carried, in, results);
    graph_region_end(r->g, 0, NULL);
    for (uint32_t i = 0; i < k->n_scanned && !failed(r); i++) {
        value_id x = results[1 + k->n_carried + i];
        const tensor_type t = *type_of(r, x);
        if (t.rank >= MAX_RANK) {
            fail_node(r, FRIT_SHAPE, "collected results have too many axes");
            return;
        }
        for (uint32_t d = 0; d < t.rank; d++) shape[1 + d] = t.shape[d];
        n->out[k->n_carried + i] = make_broadcast(r, make_splat(r, t.dt, 0), t.rank + 1, shape);
    }
}

/* Writes the loop out while every condition is known; false when it must become a region. */
static bool unroll_loop(reader *r, call *n, const loop_call *k) {
    int go = has_in(n, 1) ? known_truth(r, n->in[1]) : 1;
    if (k->trips < 0 || go < 0) return false;
    unrolled u = unroll_start(r, k->n_carried, k->n_scanned, n->in + 2);
    value_id in[MAX_RESULTS], results[MAX_RESULTS];
    for (int64_t step = 0; step < k->trips && go == 1 && !failed(r); step++) {
        if (u.steps == MAX_UNROLLED) return false;
        in[0] = scalar_of(r, make_ints(r, 1, &step));
        in[1] = make_splat(r, FRIT_DT_BOOL, 1);
        for (uint32_t i = 0; i < k->n_carried; i++) in[2 + i] = u.carried[i];
        read_subgraph(r, n->f, k->body, 2 + k->n_carried, in, results);
        if (failed(r)) return true;
        unroll_step(&u, results + 1);
        go = known_truth(r, results[0]);
        if (go < 0 && step + 1 < k->trips) return false;
    }
    for (uint32_t i = 0; i < k->n_carried; i++) n->out[i] = u.carried[i];
    if (u.steps == 0 && k->n_scanned) collect_nothing(r, n, k);
    for (uint32_t i = 0; i < k->n_scanned && u.steps && !failed(r); i++)
        n->out[k->n_carried + i] = stacked(r, &u, i, 0, false);
    return true;
}

static void loop_region(reader *r, call *n, const loop_call *k) {
    value_id in[MAX_RESULTS], params[MAX_RESULTS], results[MAX_RESULTS];
    tensor_type types[MAX_RESULTS];
    int64_t forever = INT64_MAX;
    in[0] = has_in(n, 0) ? scalar_of(r, make_cast(r, n->in[0], FRIT_DT_I64)) : scalar_of(r, make_ints(r, 1, &forever));
    in[1] = has_in(n, 1) ? scalar_of(r, n->in[1]) : make_splat(r, FRIT_DT_BOOL, 1);
    uint32_t count = 2 + k->n_carried;
    for (uint32_t i = 2; i < count; i++) in[i] = n->in[i];
    for (uint32_t i = 0; i < count; i++) types[i] = *type_of(r, in[i]);
    if (failed(r)) return;
    region_id body = graph_region_begin(r->g, count, types);
    for (uint32_t i = 0; i < count; i++) params[i] = r->g->regions.at[body].params.at[i];
    read_subgraph(r, n->f, k->body, count, params, results);
    if (!failed(r)) results[0] = scalar_of(r, results[0]);
    graph_region_end(r->g, failed(r) ? 0 : k->body->outputs.n, results);
    attr_while a = {.n_carried = k->n_carried};
    set_results(n, k->n_carried + k->n_scanned, region_node(r, OP_while, count, in, &a, 1, &body));
}

void map_loop(reader *r, call *n) {
    loop_call k = {.body = body_of(r, n, "body"), .trips = INT64_MAX};
    known trips;
    if (failed(r)) return;
    k.n_carried = n->n_in > 2 ? n->n_in - 2 : 0;
    if (k.body->outputs.n < 1 + k.n_carried || 2 + k.n_carried > MAX_RESULTS) {
        fail_node(r, FRIT_FORMAT, "the body has fewer results than carried values");
        return;
    }
    k.n_scanned = k.body->outputs.n - 1 - k.n_carried;
    if (has_in(n, 0)) {
        bool is_known =
            known_dims(r, n->in[0], false, &trips) && trips.n == 1 && dim_is_const(r->dims, trips.at[0], &k.trips);
        if (!is_known) k.trips = -1;
    }
    if (!unroll_loop(r, n, &k) && !failed(r)) loop_region(r, n, &k);
}

/* --- Scan --- */

typedef struct scan_call {
    const onnx_graph *body;
    uint32_t n_states, n_scans, n_outputs;
    int64_t *in_axes, *in_reverse, *out_axes, *out_reverse;
} scan_call;

static int64_t *list_or_zeros(reader *r, const call *n, const char *name, uint32_t count) {
    int_list l;
    int64_t *at = ARENA_ARRAY(r->c->job, int64_t, count + 1);
    bool given = attr_ints(n, name, &l);
    if (given && l.n != count) fail_node(r, FRIT_FORMAT, "%s has %u entries, needs %u", name, l.n, count);
    for (uint32_t i = 0; i < count && given && !failed(r); i++) at[i] = l.at[i];
    return at;
}

static void unroll_scan(reader *r, call *n, const scan_call *k, int64_t length) {
    unrolled u = unroll_start(r, k->n_states, k->n_outputs, n->in);
    value_id in[MAX_RESULTS], results[MAX_RESULTS];
    for (int64_t step = 0; step < length && !failed(r); step++) {
        for (uint32_t i = 0; i < k->n_states; i++) in[i] = u.carried[i];
        for (uint32_t i = 0; i < k->n_scans; i++) {
            dim at = dimi(r, k->in_reverse[i] ? length - 1 - step : step);
            value_id x = make_slice(r, n->in[k->n_states + i], k->in_axes[i], at, dimi(r, 1), 1);
            in[k->n_states + i] = make_squeeze(r, x, k->in_axes[i]);
        }
        read_subgraph(r, n->f, k->body, k->n_states + k->n_scans, in, results);
        if (!failed(r)) unroll_step(&u, results);
    }
    for (uint32_t i = 0; i < k->n_states && !failed(r); i++) n->out[i] = u.carried[i];
    for (uint32_t i = 0; i < k->n_outputs && !failed(r); i++)
        n->out[k->n_states + i] = stacked(r, &u, i, k->out_axes[i], k->out_reverse[i] != 0);
}

static void scan_region(reader *r, call *n, const scan_call *k) {
    uint32_t count = k->n_states + k->n_scans;
    tensor_type *types = ARENA_ARRAY(r->c->job, tensor_type, count);
    value_id params[MAX_RESULTS], results[MAX_RESULTS];
    for (uint32_t i = 0; i < count; i++) {
        types[i] = *type_of(r, n->in[i]);
        if (i < k->n_states) continue;
        int64_t axis = k->in_axes[i - k->n_states];
        dim *shape = ARENA_ARRAY(r->c->job, dim, MAX_RANK);
        if (!norm_axis(r, &axis, types[i].rank)) return;
        for (uint32_t d = 0, m = 0; d < types[i].rank; d++)
            if (d != (uint32_t)axis) shape[m++] = types[i].shape[d];
        types[i].rank--, types[i].shape = shape;
    }
    region_id body = graph_region_begin(r->g, count, types);
    for (uint32_t i = 0; i < count; i++) params[i] = r->g->regions.at[body].params.at[i];
    read_subgraph(r, n->f, k->body, count, params, results);
    graph_region_end(r->g, failed(r) ? 0 : k->body->outputs.n, results);
    attr_scan_loop a = {.n_carried = k->n_states,
                        .in_axes = {k->n_scans, k->in_axes},
                        .out_axes = {k->n_outputs, k->out_axes},
                        .in_reverse = {k->n_scans, k->in_reverse},
                        .out_reverse = {k->n_outputs, k->out_reverse}};
    set_results(n, k->n_states + k->n_outputs, region_node(r, OP_scan_loop, count, n->in, &a, 1, &body));
}

void map_scan(reader *r, call *n) {
    scan_call k = {.body = body_of(r, n, "body")};
    int64_t scans = attr_int(n, "num_scan_inputs", 0), length;
    if (failed(r)) return;
    bool fits = scans >= 1 && scans <= n->n_in && n->n_in <= MAX_RESULTS && k.body->outputs.n >= n->n_in - scans;
    if (!fits) {
        fail_node(r, FRIT_FORMAT, "%lld scan inputs do not fit the operands and the body", (long long)scans);
        return;
    }
    k.n_scans = (uint32_t)scans, k.n_states = n->n_in - k.n_scans, k.n_outputs = k.body->outputs.n - k.n_states;
    k.in_axes = list_or_zeros(r, n, "scan_input_axes", k.n_scans);
    k.in_reverse = list_or_zeros(r, n, "scan_input_directions", k.n_scans);
    k.out_axes = list_or_zeros(r, n, "scan_output_axes", k.n_outputs);
    k.out_reverse = list_or_zeros(r, n, "scan_output_directions", k.n_outputs);
    if (failed(r)) return;
    dim extent = extent_of(r, n->in[k.n_states], k.in_axes[0]);
    if (dim_is_const(r->dims, extent, &length) && length >= 1 && length <= MAX_UNROLLED)
        unroll_scan(r, n, &k, length);
    else
        scan_region(r, n, &k);
}
