/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The frame of random graphs: numbers, values, inputs and outputs. */
#include "tests/random_graph.h"

#include <string.h>

enum { MAX_SIZE = 257 };

static uint64_t next(random_graph *r) { /* splitmix64 */
    uint64_t z = r->rng += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

uint32_t random_below(random_graph *r, uint32_t n) { return (uint32_t)(next(r) % n); }
bool random_chance(random_graph *r, uint32_t percent) { return random_below(r, 100) < percent; }
double random_between(random_graph *r, double lo, double hi) {
    return lo + (hi - lo) * (double)(next(r) >> 11) * 0x1p-53;
}

int64_t random_concrete(random_graph *r, dim d) {
    int64_t v = -1;
    if (dim_eval(r->c, r->g->dims, d, r->sym_values, &v) != FRIT_OK) cx_clear(r->c);
    return v;
}

static bool is_of(dtype dt, random_class of) {
    switch (of) {
    case RANDOM_ANY:
        return true;
    case RANDOM_NUMBER:
        return dt != FRIT_DT_BOOL;
    case RANDOM_FLOAT:
        return dtype_is_float(dt);
    case RANDOM_INT:
        return dtype_is_integer(dt);
    case RANDOM_LOGIC:
        return !dtype_is_float(dt);
    case RANDOM_BOOL:
        return dt == FRIT_DT_BOOL;
    }
    return false;
}

/* Recent values are likelier, so that graphs grow deep. */
value_id random_pick(random_graph *r, random_class of, uint32_t min_rank) {
    for (int tries = 0; tries < 8; tries++) {
        uint32_t n = r->pool.n, back = random_chance(r, 50) ? random_below(r, n < 3 ? n : 3) : random_below(r, n);
        value_id v = r->pool.at[n - 1 - back];
        const tensor_type *t = graph_type(r->g, v);
        if (is_of(t->dt, of) && t->rank >= min_rank) return v;
    }
    return VALUE_NONE;
}

dtype random_dtype(random_graph *r, random_class of) {
    static const dtype often[] = {FRIT_DT_F32, FRIT_DT_F32,  FRIT_DT_F32, FRIT_DT_F32, FRIT_DT_F64,
                                  FRIT_DT_F16, FRIT_DT_BF16, FRIT_DT_I64, FRIT_DT_I32, FRIT_DT_U8,
                                  FRIT_DT_I8,  FRIT_DT_BOOL, FRIT_DT_I16, FRIT_DT_U32};
    for (;;) {
        dtype dt = often[random_below(r, countof(often))];
        if (is_of(dt, of)) return dt;
    }
}

static scalar random_element(random_graph *r, dtype dt) {
    switch (dtype_kind_of(dt)) {
    case DTYPE_FLOAT:
        return dtype_from_f64(dt, random_between(r, -2, 2));
    case DTYPE_INT:
        return (scalar){.i = (int64_t)random_below(r, 12) - 4};
    case DTYPE_UINT:
        return (scalar){.u = random_below(r, 12)};
    case DTYPE_BOOL:
        return (scalar){.i = random_below(r, 2)};
    }
    return (scalar){0};
}

static tensor random_tensor(random_graph *r, dtype dt, uint32_t rank, const int64_t *shape) {
    tensor t;
    frit_status status = tensor_alloc(r->c, r->c->job, dt, rank, shape, &t);
    ASSERT(status == FRIT_OK);
    int64_t n = tensor_count(&t);
    for (int64_t i = 0; i < n; i++) dtype_store(dt, t.data, (size_t)i, random_element(r, dt));
    return t;
}

static value_id add_const(random_graph *r, const tensor *t) {
    const_data d = {.kind = CONST_DENSE, .dt = t->dt, .bytes = t->data};
    d.dims = int_list_of(r->g->a, t->rank, t->shape);
    value_id v = VALUE_NONE;
    if (graph_const_bytes(r->c, r->g, &d, &v) != FRIT_OK) cx_clear(r->c);
    return v;
}

value_id random_fresh(random_graph *r, dtype dt, uint32_t rank, const dim *shape) {
    int64_t extents[MAX_RANK] = {0}, count = 1;
    bool is_const = true;
    if (rank > MAX_RANK) return VALUE_NONE;
    for (uint32_t i = 0; i < rank; i++) {
        if (random_is_counted(r, shape[i])) return VALUE_NONE;
        extents[i] = random_concrete(r, shape[i]);
        is_const = is_const && dim_is_const(r->g->dims, shape[i], NULL);
        count *= extents[i] < 0 ? RANDOM_MAX_ELEMENTS : extents[i];
        if (count > RANDOM_MAX_ELEMENTS) return VALUE_NONE;
    }
    bool is_full = r->g->inputs.n >= RANDOM_MAX_INPUTS;
    if (is_full && !is_const) return VALUE_NONE;
    tensor t = random_tensor(r, dt, rank, extents);
    if (is_const && (is_full || random_chance(r, 50))) return add_const(r, &t);
    r->inputs[r->g->inputs.n] = t;
    return graph_input(r->g, arena_printf(r->g->a, "x%u", r->g->inputs.n), dt, rank, shape);
}

value_id random_indices(random_graph *r, uint32_t rank, const int64_t *shape, int64_t lo, int64_t hi) {
    tensor t = random_tensor(r, FRIT_DT_I64, rank, shape);
    int64_t n = tensor_count(&t);
    for (int64_t i = 0; i < n; i++) ((int64_t *)t.data)[i] = lo + random_below(r, (uint32_t)(hi - lo + 1));
    return add_const(r, &t);
}

bool random_is_small(random_graph *r, value_id v) {
    const tensor_type *t = graph_type(r->g, v);
    int64_t count = 1;
    for (uint32_t i = 0; i < t->rank; i++) {
        int64_t extent = random_concrete(r, t->shape[i]);
        if (extent < 0 || (extent > 0 && count > RANDOM_MAX_ELEMENTS / extent)) return false;
        count *= extent;
    }
    return true;
}

bool random_contracts_hold(random_graph *r, uint32_t first) {
    for (uint32_t i = first; i < r->g->contracts.n; i++) {
        const contract *k = &r->g->contracts.at[i];
        if (k->region != 0) continue; /* of a region that may not run */
        int64_t lhs = random_concrete(r, k->lhs), rhs = random_concrete(r, k->rhs);
        if (!contract_holds(k->kind, lhs, rhs)) return false;
    }
    return true;
}

static sym_info *symbol(random_graph *r, uint32_t i) {
    sym_id s = SYM_NONE;
    dim_is_sym(r->g->dims, r->syms[i], &s);
    return dim_sym_info(r->g->dims, s);
}

bool random_is_counted(random_graph *r, dim d) {
    for (sym_id s = 0; s < dim_n_syms(r->g->dims); s++)
        if (dim_sym_info(r->g->dims, s)->kind == SYM_RESULT && dim_depends(r->g->dims, d, s)) return true;
    return false;
}

/* Symbols that data decides, each after those that its bound mentions, at their greatest values. */
static bool bound_counted(random_graph *r) {
    uint32_t n = dim_n_syms(r->g->dims);
    if (n > RANDOM_MAX_SYMS) return false;
    for (sym_id s = 0; s < n; s++) {
        const sym_info *info = dim_sym_info(r->g->dims, s);
        if (info->kind == SYM_RESULT) r->sym_values[s] = random_concrete(r, info->extent) - 1;
    }
    return true;
}

/* What data decides, sizes or whether a region runs, may break no contract: then nobody would know whether a run has to
 * be refused. */
static bool is_decided_by_data(random_graph *r, uint32_t first) {
    for (uint32_t i = first; i < r->g->contracts.n; i++) {
        const contract *k = &r->g->contracts.at[i];
        if (r->g->at != 0 || random_is_counted(r, k->lhs) || random_is_counted(r, k->rhs)) return true;
    }
    return false;
}

bool random_take(random_graph *r, value_id first, uint32_t n_contracts) {
    const node *n = graph_def(r->g, first);
    bool is_fine = bound_counted(r) && !is_decided_by_data(r, n_contracts) && random_contracts_hold(r, n_contracts);
    for (uint32_t i = 0; i < r->refused.n; i++) is_fine = is_fine && r->refused.at[i] != first;
    for (uint32_t i = 0; i < n->n_out; i++) is_fine = is_fine && random_is_small(r, n->out + i);
    if (!is_fine) vec_push(r->c->job, r->refused, first);
    for (uint32_t i = 0; i < n->n_out && is_fine; i++) vec_push(r->c->job, r->pool, n->out + i);
    return is_fine;
}

static bool add_node(random_graph *r, op_code op, uint32_t n_in, const value_id *in, const void *attrs) {
    uint32_t n_contracts = r->g->contracts.n;
    value_id first;
    if (graph_add(r->c, r->g, op, 0, n_in, in, attrs, &first) == FRIT_OK) return random_take(r, first, n_contracts);
    cx_clear(r->c);
    return false;
}

random_mark random_mark_now(random_graph *r) {
    random_mark m = {.n_contracts = r->g->contracts.n};
    for (uint32_t i = 0; i < RANDOM_SYMS; i++) m.lo[i] = symbol(r, i)->lo, m.hi[i] = symbol(r, i)->hi;
    return m;
}

/* Contracts, and the ranges that they narrowed. */
void random_take_back(random_graph *r, const random_mark *m) {
    r->g->contracts.n = m->n_contracts;
    for (uint32_t i = 0; i < RANDOM_SYMS; i++) symbol(r, i)->lo = m->lo[i], symbol(r, i)->hi = m->hi[i];
}

bool random_add(random_graph *r, op_code op, uint32_t n_in, const value_id *in, const void *attrs) {
    random_mark m = random_mark_now(r);
    for (uint32_t i = 0; i < n_in; i++)
        if (in[i] == VALUE_NONE) return false;
    if (add_node(r, op, n_in, in, attrs)) return true;
    random_take_back(r, &m);
    return false;
}

/* B may be 1; the others allow slices without their ends, unless sizes meet or may be 0. */
static void add_symbols(random_graph *r) {
    static const char *const names[RANDOM_SYMS] = {"B", "S", "T"};
    for (uint32_t i = 0; i < RANDOM_SYMS; i++) {
        r->syms[i] = dim_sym(r->g->dims, names[i]);
        symbol(r, i)->lo = r->may_be_empty ? 0 : i && !r->is_meeting ? 2 : 1;
        symbol(r, i)->hi = MAX_SIZE;
    }
}

void random_graph_choose_sizes(random_graph *r) {
    static const int64_t sizes[] = {1, 2, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 40, 64, 65, 100, 130, MAX_SIZE};
    int64_t common = sizes[random_below(r, 13)];
    if (r->may_be_empty && random_chance(r, 30)) common = 0;
    for (uint32_t i = 0; i < RANDOM_SYMS; i++) {
        const sym_info *info = symbol(r, i);
        sym_id s = SYM_NONE;
        dim_is_sym(r->g->dims, r->syms[i], &s);
        ASSERT(s < countof(r->sym_values));
        int64_t v = sizes[random_below(r, random_chance(r, 70) ? 13 : countof(sizes))];
        if (r->may_be_empty && random_chance(r, 15)) v = 0;
        if (r->is_meeting) v = random_chance(r, 35) ? 1 : common;
        r->sym_values[s] = v < info->lo ? info->lo : v > info->hi ? info->hi : v;
    }
    bound_counted(r);
}

void random_graph_inputs(random_graph *r) {
    for (uint32_t i = 0; i < r->g->inputs.n; i++) {
        const tensor_type *t = &r->g->inputs.at[i].type;
        int64_t shape[MAX_RANK];
        for (uint32_t k = 0; k < t->rank; k++) shape[k] = random_concrete(r, t->shape[k]);
        r->inputs[i] = random_tensor(r, t->dt, t->rank, shape);
    }
}

static dim random_dim(random_graph *r) {
    static const int64_t sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 17};
    if (random_chance(r, r->is_meeting ? 60 : 35)) return r->syms[random_below(r, RANDOM_SYMS)];
    if (r->may_be_empty && random_chance(r, 8)) return dim_const(r->g->dims, 0);
    return dim_const(r->g->dims, sizes[random_below(r, countof(sizes))]);
}

static void add_source(random_graph *r) {
    dim shape[4];
    uint32_t rank = random_below(r, 5);
    for (uint32_t i = 0; i < rank; i++) shape[i] = random_dim(r);
    value_id v = random_fresh(r, random_dtype(r, random_chance(r, 70) ? RANDOM_FLOAT : RANDOM_ANY), rank, shape);
    if (v != VALUE_NONE) vec_push(r->c->job, r->pool, v);
}

/* Sizes with which the inputs of bind_symbols are small. */
static void choose_first_sizes(random_graph *r) {
    do random_graph_choose_sizes(r);
    while (random_concrete(r, r->syms[0]) * random_concrete(r, r->syms[1]) > RANDOM_MAX_ELEMENTS);
}

/* Inputs that bind the symbols, whatever else mentions them. */
static void bind_symbols(random_graph *r) {
    value_id bs = random_fresh(r, random_dtype(r, RANDOM_ANY), 2, r->syms);
    value_id t = random_fresh(r, random_dtype(r, RANDOM_ANY), 1, r->syms + 2);
    vec_push(r->c->job, r->pool, bs);
    vec_push(r->c->job, r->pool, t);
}

static frit_status keep(graph_rewriter *r, const node *n, bool *out_done) {
    (void)r, (void)n;
    *out_done = false;
    return FRIT_OK;
}

bool random_graph_make(cx *c, uint64_t seed, uint32_t n_ops, uint32_t only, random_graph *out) {
    *out = (random_graph){.c = c, .rng = seed * 0x9E3779B97F4A7C15 + 1};
    random_graph *r = out;
    r->g = graph_new(c->job, "fuzz", dim_table_new(c->job));
    r->may_be_empty = random_chance(r, 25);
    r->is_meeting = random_chance(r, 35);
    add_symbols(r);
    choose_first_sizes(r);
    bind_symbols(r);
    while (r->pool.n < 4) add_source(r);
    uint32_t n_sources = r->pool.n, n_added = 0;
    for (uint32_t tries = 0; n_added < n_ops && tries < 20 * n_ops; tries++) n_added += random_op(r);
    uint32_t *uses = graph_count_uses(c->job, r->g);
    for (uint32_t i = 0; i < r->pool.n; i++) {
        value_id v = r->pool.at[i];
        bool is_out = only == UINT32_MAX ? i >= n_sources && uses[v] == 0 : only == i;
        if (is_out && r->g->outputs.n < 16) graph_output(r->g, arena_printf(r->g->a, "y%u", i), v);
    }
    /* Refused nodes go away. */
    return r->g->outputs.n > 0 && graph_rewrite(c, r->g, keep, NULL, &r->g) == FRIT_OK;
}
