/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* If, while and nonzero in random graphs: what data decides. Values made inside of a region leave the pool with it. */
#include <string.h>

#include "tests/random_graph.h"

enum { MOST_DEPTH = 2, MOST_TURNS = 4 };

static const tensor_type *type_of(random_graph *r, value_id v) { return graph_type(r->g, v); }

static value_id number(random_graph *r, dtype dt, double v) {
    value_id out = VALUE_NONE;
    if (graph_splat(r->c, r->g, dt, v, &out) != FRIT_OK) cx_clear(r->c);
    return out;
}

/* Adds a node that stays out of the pool; VALUE_NONE when it does not fit. */
static value_id add_quietly(random_graph *r, op_code op, uint32_t n_in, const value_id *in, const void *attrs) {
    uint32_t n = r->pool.n;
    if (!random_add(r, op, n_in, in, attrs)) return VALUE_NONE;
    value_id v = r->pool.at[n];
    r->pool.n = n;
    return v;
}

/* The sum of x's elements as f32. */
static value_id total_of(random_graph *r, value_id x) {
    attr_cast to = {.to = FRIT_DT_F32, .saturate = true};
    attr_reduce sum = {.kind = RK_sum};
    int64_t axes[MAX_RANK] = {0};
    if (x == VALUE_NONE) return VALUE_NONE;
    uint32_t rank = type_of(r, x)->rank;
    for (uint32_t i = 0; i < rank; i++) axes[i] = i;
    if (type_of(r, x)->dt != FRIT_DT_F32) x = add_quietly(r, OP_cast, 1, &x, &to);
    sum.axes = int_list_of(r->g->a, rank, axes);
    return rank && x != VALUE_NONE ? add_quietly(r, OP_reduce, 1, &x, &sum) : x;
}

/* The number of x's elements, from its extents. */
static value_id size_of(random_graph *r, value_id x) {
    dim n = graph_n_elements(r->g, x);
    attr_dims a = {.dims = dim_list_of(r->g->a, 1, &n)}, none = {0};
    value_id v = add_quietly(r, OP_from_dims, 0, NULL, &a);
    return v == VALUE_NONE ? v : add_quietly(r, OP_reshape, 1, &v, &none);
}

/* A scalar bool: on how many elements a value has, or on what they are. */
static value_id random_truth(random_graph *r) {
    value_id x = random_pick(r, RANDOM_ANY, 1);
    if (x == VALUE_NONE) return VALUE_NONE;
    bool is_size = random_chance(r, 40);
    value_id left = is_size ? size_of(r, x) : total_of(r, x);
    value_id right = is_size ? number(r, FRIT_DT_I64, random_chance(r, 50) ? 0 : (double)random_below(r, 9))
                             : number(r, FRIT_DT_F32, random_between(r, -1, 1));
    if (left == VALUE_NONE || right == VALUE_NONE) return VALUE_NONE;
    op_code op = is_size && random_chance(r, 60) ? OP_eq : OP_lt;
    return add_quietly(r, op, 2, (value_id[]){left, right}, NULL);
}

static void grow_region(random_graph *r, uint32_t wanted) {
    r->depth++;
    for (uint32_t tries = 0; wanted && tries < 30; tries++) wanted -= random_op(r);
    r->depth--;
}

/* A value made since the pool had n of them, else any. */
static value_id inner_pick(random_graph *r, uint32_t n) {
    if (r->pool.n > n && random_chance(r, 85)) return r->pool.at[n + random_below(r, r->pool.n - n)];
    return random_pick(r, RANDOM_ANY, 0);
}

/* A value of that type as the result of the other branch: one of the pool, or a constant, whose extents may differ. */
static value_id other_result(random_graph *r, const tensor_type *like, uint32_t n) {
    for (uint32_t i = r->pool.n; i-- > n;) {
        const tensor_type *t = type_of(r, r->pool.at[i]);
        if (t->dt == like->dt && t->rank == like->rank && random_chance(r, 70)) return r->pool.at[i];
    }
    dim shape[MAX_RANK];
    for (uint32_t i = 0; i < like->rank; i++) {
        bool is_own = random_chance(r, 60), is_counted = random_is_counted(r, like->shape[i]);
        shape[i] = is_own && !is_counted ? like->shape[i] : dim_const(r->g->dims, random_below(r, 3));
    }
    attr_dims a = {.dims = dim_list_of(r->g->a, like->rank, shape)};
    value_id one = number(r, like->dt, 1);
    return one == VALUE_NONE ? one : add_quietly(r, OP_broadcast, 1, &one, &a);
}

/* Takes the results of a region's node into the pool, or takes the node back. */
static bool add_region_node(random_graph *r, op_code op, uint32_t n_in, const value_id *in, const void *attrs,
                            uint32_t n_regions, const region_id *regions) {
    value_id first;
    uint32_t n_contracts = r->g->contracts.n;
    if (graph_add_region_node(r->c, r->g, op, 0, n_in, in, attrs, n_regions, regions, &first) == FRIT_OK)
        return random_take(r, first, n_contracts);
    cx_clear(r->c);
    return false;
}

static bool make_if(random_graph *r) {
    value_id condition = random_truth(r), results[2][2];
    if (condition == VALUE_NONE || r->depth >= MOST_DEPTH) return false;
    uint32_t n = r->pool.n, n_results = 1 + random_below(r, 2);
    random_mark mark = random_mark_now(r);
    region_id regions[2];
    tensor_type types[2];
    bool is_fine = true;
    for (uint32_t k = 0; k < 2; k++) {
        regions[k] = graph_region_begin(r->g, 0, NULL);
        grow_region(r, random_below(r, 4));
        for (uint32_t i = 0; i < n_results && is_fine; i++) {
            results[k][i] = k ? other_result(r, &types[i], n) : inner_pick(r, n);
            is_fine = results[k][i] != VALUE_NONE;
            if (is_fine && k == 0) types[i] = *type_of(r, results[0][i]);
        }
        graph_region_end(r->g, is_fine ? n_results : 0, results[k]);
        r->pool.n = n;
    }
    is_fine = is_fine && add_region_node(r, OP_if, 1, &condition, NULL, 2, regions);
    if (!is_fine) random_take_back(r, &mark);
    return is_fine;
}

/* What x is in the next turn: its type, and bounded. */
static value_id carried_on(random_graph *r, value_id x, uint32_t n) {
    dtype dt = type_of(r, x)->dt;
    value_id y = inner_pick(r, n), half = number(r, dt, dtype_is_float(dt) ? 0.5 : 1), sum;
    if (!dtype_is_float(dt)) return add_quietly(r, dt == FRIT_DT_BOOL ? OP_or : OP_max, 2, (value_id[]){x, half}, NULL);
    if (y == VALUE_NONE || type_of(r, y)->dt != dt) y = x;
    value_id small = add_quietly(r, OP_mul, 2, (value_id[]){x, half}, NULL);
    if (small == VALUE_NONE) return small;
    sum = add_quietly(r, OP_add, 2, (value_id[]){small, y}, NULL);
    const tensor_type *t = sum == VALUE_NONE ? NULL : type_of(r, sum), *like = type_of(r, x);
    bool is_same = t && t->rank == like->rank;
    for (uint32_t i = 0; is_same && i < t->rank; i++) is_same = dim_equal(r->g->dims, t->shape[i], like->shape[i]);
    return add_quietly(r, OP_tanh, 1, is_same ? &sum : &small, NULL);
}

/* Whether the loop goes on: as before, until a turn, or as long as data says so. */
static value_id goes_on(random_graph *r, value_id turn, value_id go, value_id carried) {
    value_id last = number(r, FRIT_DT_I64, random_below(r, MOST_TURNS)), level, total;
    if (random_chance(r, 40)) return go;
    if (random_chance(r, 50)) return add_quietly(r, OP_lt, 2, (value_id[]){turn, last}, NULL);
    total = total_of(r, carried);
    level = number(r, FRIT_DT_F32, random_between(r, 0.2, 6));
    return total == VALUE_NONE ? total : add_quietly(r, OP_lt, 2, (value_id[]){total, level}, NULL);
}

/* At most MOST_TURNS turns, of a number, an extent or data. */
static value_id trip_count(random_graph *r) {
    value_id x = random_pick(r, RANDOM_ANY, 1), most = number(r, FRIT_DT_I64, 1 + random_below(r, MOST_TURNS)), n;
    attr_cast to = {.to = FRIT_DT_I64, .saturate = true};
    if (x == VALUE_NONE || random_chance(r, 40)) return most;
    n = random_chance(r, 50) ? size_of(r, x) : total_of(r, x);
    if (n != VALUE_NONE && type_of(r, n)->dt != FRIT_DT_I64) n = add_quietly(r, OP_cast, 1, &n, &to);
    return n == VALUE_NONE ? n : add_quietly(r, OP_min, 2, (value_id[]){n, most}, NULL);
}

static bool make_while(random_graph *r) {
    value_id in[4] = {trip_count(r), random_chance(r, 25) ? random_truth(r) : number(r, FRIT_DT_BOOL, 1)};
    value_id results[5], params[4];
    tensor_type types[4];
    uint32_t n_carried = 1 + random_below(r, 2), n_in = 2 + n_carried, n_scanned = random_below(r, 3);
    if (r->depth >= MOST_DEPTH) return false;
    for (uint32_t i = 2; i < n_in; i++) in[i] = random_pick(r, RANDOM_ANY, 0);
    for (uint32_t i = 0; i < n_in; i++)
        if (in[i] == VALUE_NONE) return false;
    for (uint32_t i = 0; i < n_in; i++) types[i] = *type_of(r, in[i]);
    uint32_t n = r->pool.n;
    random_mark mark = random_mark_now(r);
    region_id body = graph_region_begin(r->g, n_in, types);
    memcpy(params, r->g->regions.at[body].params.at, n_in * sizeof *params);
    for (uint32_t i = 0; i < n_in; i++)
        if (i != 1) vec_push(r->c->job, r->pool, params[i]);
    grow_region(r, random_below(r, 4));
    bool is_fine = true;
    for (uint32_t i = 0; i < n_carried; i++) results[1 + i] = carried_on(r, params[2 + i], n);
    for (uint32_t i = 0; i < n_scanned; i++) results[1 + n_carried + i] = inner_pick(r, n);
    results[0] = results[1] == VALUE_NONE ? VALUE_NONE : goes_on(r, params[0], params[1], results[1]);
    for (uint32_t i = 0; i < 1 + n_carried + n_scanned; i++) is_fine = is_fine && results[i] != VALUE_NONE;
    graph_region_end(r->g, is_fine ? 1 + n_carried + n_scanned : 0, results);
    r->pool.n = n;
    attr_while a = {.n_carried = n_carried};
    is_fine = is_fine && add_region_node(r, OP_while, n_in, in, &a, 1, &body);
    if (!is_fine) random_take_back(r, &mark);
    return is_fine;
}

/* Where a value is not zero; half the time its rows are gathered there. */
static bool make_nonzero(random_graph *r) {
    value_id x = random_pick(r, RANDOM_ANY, 1);
    attr_dims none = {0};
    if (x == VALUE_NONE || !random_add(r, OP_nonzero, 1, &x, &none)) return false;
    value_id at = r->pool.at[r->pool.n - 1];
    if (type_of(r, x)->rank != 1 || random_chance(r, 50)) return true;
    attr_dims flat = {.dims = dim_list_of(r->g->a, 1, type_of(r, at)->shape + 1)};
    value_id list = add_quietly(r, OP_reshape, 1, &at, &flat);
    attr_axis axis = {0};
    if (list != VALUE_NONE) random_add(r, OP_gather, 2, (value_id[]){x, list}, &axis);
    return true;
}

bool random_decided(random_graph *r) {
    switch (random_below(r, 3)) {
    case 0:
        return make_if(r);
    case 1:
        return make_while(r);
    default:
        return make_nonzero(r);
    }
}
