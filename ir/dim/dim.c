/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Dim tables: hash-consed nodes, symbols, structural order, memo of operations, and access to structure. */
#include <string.h>

#include "ir/dim/dim_impl.h"

static uint64_t node_hash(dim_kind kind, int64_t value, uint32_t n, const dim *args) {
    uint64_t h = ((uint64_t)kind + 1) * 0x9e3779b97f4a7c15u ^ (uint64_t)value * 0xc2b2ae3d27d4eb4fu;
    for (uint32_t i = 0; i < n; i++) {
        h = (h ^ args[i]) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    return h ^ h >> 29;
}

static bool same_node(const dim_table *t, dim d, dim_kind kind, int64_t value, uint32_t n, const dim *args) {
    const dim_node *x = dim_at(t, d);
    return x->kind == kind && x->value == value && x->n_args == n &&
           (n == 0 || memcmp(dim_args(t, d), args, n * sizeof *args) == 0);
}

/* The slot that holds the node, or the free one where it belongs. */
static uint32_t find_slot(const dim_table *t, uint64_t hash, dim_kind kind, int64_t value, uint32_t n,
                          const dim *args) {
    uint32_t mask = t->n_slots - 1, i = (uint32_t)hash & mask;
    for (; t->slots[i]; i = (i + 1) & mask) {
        dim d = t->slots[i] - 1;
        if (dim_at(t, d)->hash == hash && same_node(t, d, kind, value, n, args)) break;
    }
    return i;
}

static void grow_slots(dim_table *t) {
    t->n_slots *= 2;
    t->slots = ARENA_ARRAY(t->a, uint32_t, t->n_slots);
    for (uint32_t d = 0; d < t->nodes.n; d++) {
        uint32_t i = (uint32_t)dim_at(t, d)->hash & (t->n_slots - 1);
        while (t->slots[i]) i = (i + 1) & (t->n_slots - 1);
        t->slots[i] = d + 1;
    }
}

bool dim_lookup(const dim_table *t, dim_kind kind, int64_t value, uint32_t n, const dim *args, dim *out) {
    uint32_t i = find_slot(t, node_hash(kind, value, n, args), kind, value, n, args);
    if (!t->slots[i]) return false;
    *out = t->slots[i] - 1;
    return true;
}

/* The product with coefficient 1 that a PRODUCT node scales, and the node of its coefficient (for dim_arg). */
static dim monic_of(dim_table *t, int64_t coef, uint32_t n, const dim *args) {
    dim_intern(t, DIM_CONST, coef, 0, NULL);
    return n == 1 ? args[0] : dim_intern(t, DIM_PRODUCT, 1, n, args);
}

dim dim_intern(dim_table *t, dim_kind kind, int64_t value, uint32_t n, const dim *args) {
    uint64_t hash = node_hash(kind, value, n, args);
    uint32_t slot = find_slot(t, hash, kind, value, n, args);
    if (t->slots[slot]) return t->slots[slot] - 1;

    bool scaled = kind == DIM_PRODUCT && value != 1;
    dim monic = scaled ? monic_of(t, value, n, args) : 0;
    dim_node x = {.kind = (uint8_t)kind, .n_args = n, .first = t->args.n, .value = value, .hash = hash};
    x.has_mod = kind == DIM_MOD;
    if (kind == DIM_SYM) x.sym_bits = (uint64_t)1 << (value % 64);
    for (uint32_t i = 0; i < n; i++) {
        const dim_node *arg = dim_at(t, args[i]);
        x.sym_bits |= arg->sym_bits;
        if (kind == DIM_PRODUCT) x.has_mod |= arg->has_mod;
        if (arg->depth >= x.depth) x.depth = arg->depth + 1;
        vec_push(t->a, t->args, args[i]);
    }
    dim d = t->nodes.n;
    x.monic = scaled ? monic : d;
    vec_push(t->a, t->nodes, x);
    if (t->nodes.n * 2 > t->n_slots)
        grow_slots(t);
    else
        t->slots[find_slot(t, hash, kind, value, n, args)] = d + 1;
    return d;
}

dim_table *dim_table_new(arena *a) {
    dim_table *t = ARENA_NEW(a, dim_table);
    t->a = a;
    t->n_slots = 256;
    t->slots = ARENA_ARRAY(a, uint32_t, t->n_slots);
    t->memo = ARENA_ARRAY(a, dim_memo, DIM_MEMO_SIZE);
    t->names.a = a;
    t->stamp = 1;
    dim_intern(t, DIM_CONST, 0, 0, NULL);
    dim_intern(t, DIM_CONST, 1, 0, NULL);
    return t;
}

dim dim_const(dim_table *t, int64_t v) { return dim_intern(t, DIM_CONST, v, 0, NULL); }

/* --- symbols --- */

static dim add_symbol(dim_table *t, sym_info info) {
    sym_info *stored = ARENA_NEW(t->a, sym_info);
    *stored = info;
    stored->name = arena_strdup(t->a, info.name);
    sym_id s = t->syms.n;
    vec_push(t->a, t->syms, stored);
    vec_push(t->a, t->seen, *stored);
    map_set_str(&t->names, stored->name, s);
    dim d = dim_intern(t, DIM_SYM, s, 0, NULL);
    vec_push(t->a, t->sym_dims, d);
    return d;
}

bool dim_sym_find(const dim_table *t, const char *name, sym_id *out) { return map_get_str(&t->names, name, out); }

dim dim_sym(dim_table *t, const char *name) {
    sym_id s;
    if (dim_sym_find(t, name, &s)) return t->sym_dims.at[s];
    return add_symbol(t, (sym_info){.name = name,
                                    .kind = SYM_FREE,
                                    .lo = 1,
                                    .hi = 65536,
                                    .extent = DIM_BAD,
                                    .input = UINT32_MAX,
                                    .axis = UINT32_MAX});
}

sym_info *dim_sym_info(dim_table *t, sym_id s) {
    ASSERT(s < t->syms.n);
    if (t->handed.n == 0 || t->handed.at[t->handed.n - 1] != s) vec_push(t->a, t->handed, s);
    return t->syms.at[s];
}

enum { LIKELY_EXTENT = 64 };

int64_t dim_likely(dim_table *t, sym_id s) {
    const sym_info *info = t->syms.at[s];
    int64_t v = info->hint ? info->hint : LIKELY_EXTENT;
    return v < info->lo ? info->lo : v > info->hi ? info->hi : v;
}

uint32_t dim_n_syms(const dim_table *t) { return t->syms.n; }
dim dim_of_sym(dim_table *t, sym_id s) { return t->sym_dims.at[s]; }

void dim_refresh(dim_table *t) {
    bool changed = false;
    for (uint32_t i = 0; i < t->handed.n; i++) {
        sym_id s = t->handed.at[i];
        const sym_info *now = t->syms.at[s], *then = &t->seen.at[s];
        if (now->lo == then->lo && now->hi == then->hi && now->extent == then->extent) continue;
        t->seen.at[s] = *now;
        changed = true;
    }
    t->handed.n = 0;
    if (changed) t->stamp++;
}

/* name, or name_1, name_2 .. when taken. The next suffix is kept under a key no symbol can have. */
static const char *unique_name(dim_table *t, const char *name) {
    uint32_t taken;
    if (!map_get_str(&t->names, name, &taken)) return name;
    const char *counter = arena_printf(t->a, "\n%s", name), *candidate;
    uint32_t next = 1;
    map_get_str(&t->names, counter, &next);
    do candidate = arena_printf(t->a, "%s_%u", name, next++);
    while (map_get_str(&t->names, candidate, &taken));
    map_set_str(&t->names, counter, next);
    return candidate;
}

static dim add_bounded(dim_table *t, const char *name, dim extent, sym_kind kind, uint32_t input) {
    if (extent == DIM_BAD) return DIM_BAD;
    int64_t hi = dim_upper(t, extent);
    return add_symbol(t, (sym_info){.name = unique_name(t, name),
                                    .kind = kind,
                                    .lo = 0,
                                    .hi = hi == INT64_MAX ? hi
                                          : hi > 0        ? hi - 1
                                                          : 0,
                                    .extent = extent,
                                    .input = input,
                                    .axis = UINT32_MAX});
}

dim dim_axis(dim_table *t, const char *name, dim extent) { return add_bounded(t, name, extent, SYM_AXIS, UINT32_MAX); }

dim dim_loaded(dim_table *t, const char *name, dim extent, uint32_t expr) {
    return add_bounded(t, name, extent, SYM_LOADED, expr);
}

dim dim_iteration(dim_table *t, const char *name, dim extent) {
    if (extent != DIM_BAD) return add_bounded(t, name, extent, SYM_ITERATION, UINT32_MAX);
    return add_symbol(t, (sym_info){.name = unique_name(t, name),
                                    .kind = SYM_ITERATION,
                                    .lo = 0,
                                    .hi = INT64_MAX,
                                    .extent = DIM_BAD,
                                    .input = UINT32_MAX,
                                    .axis = UINT32_MAX});
}

/* --- order --- */

static uint32_t degree(const dim_table *t, dim d) {
    const dim_node *x = dim_at(t, d);
    switch ((dim_kind)x->kind) {
    case DIM_CONST:
        return 0;
    case DIM_PRODUCT:
        return x->n_args;
    case DIM_SUM:
        return degree(t, dim_args(t, d)[0]);
    case DIM_SYM:
    case DIM_FLOORDIV:
    case DIM_MOD:
    case DIM_MIN:
    case DIM_MAX:
        return 1;
    }
    return 0;
}

static int order_args(const dim_table *t, dim a, dim b) {
    uint32_t na = dim_at(t, a)->n_args, nb = dim_at(t, b)->n_args;
    for (uint32_t i = 0; i < na && i < nb; i++) {
        int o = dim_order(t, dim_args(t, a)[i], dim_args(t, b)[i]);
        if (o) return o;
    }
    return na < nb ? -1 : na > nb;
}

/* Higher degree first (so that sums read b*S + s + 1), symbols by name: nothing depends on the order of creation. */
int dim_order(const dim_table *t, dim a, dim b) {
    if (a == b) return 0;
    uint32_t da = degree(t, a), db = degree(t, b);
    if (da != db) return da > db ? -1 : 1;
    const dim_node *x = dim_at(t, a), *y = dim_at(t, b);
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    if (x->kind == DIM_SYM) return strcmp(t->syms.at[x->value]->name, t->syms.at[y->value]->name);
    int o = order_args(t, a, b);
    if (o) return o;
    return x->value < y->value ? -1 : x->value > y->value;
}

/* --- memo of operations --- */

static uint32_t memo_slot(dim_op op, dim a, dim b) {
    uint64_t h = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15u + (uint64_t)op * 0xc2b2ae3d27d4eb4fu;
    return (uint32_t)(h >> 40) % DIM_MEMO_SIZE;
}

bool dim_recall(const dim_table *t, dim_op op, dim a, dim b, dim *out) {
    const dim_memo *m = &t->memo[memo_slot(op, a, b)];
    if (m->a != a || m->b != b || m->op_stamp != (t->stamp << 4 | (uint32_t)op)) return false;
    *out = m->result;
    return true;
}

dim dim_remember(dim_table *t, dim_op op, dim a, dim b, dim result) {
    t->memo[memo_slot(op, a, b)] =
        (dim_memo){.op_stamp = t->stamp << 4 | (uint32_t)op, .a = a, .b = b, .result = result};
    return result;
}

/* --- structure --- */

dim_kind dim_kind_of(const dim_table *t, dim d) { return (dim_kind)dim_at(t, d)->kind; }

bool dim_is_const(const dim_table *t, dim d, int64_t *out) {
    if (d == DIM_BAD || dim_at(t, d)->kind != DIM_CONST) return false;
    if (out) *out = dim_at(t, d)->value;
    return true;
}

bool dim_is_sym(const dim_table *t, dim d, sym_id *out) {
    if (d == DIM_BAD || dim_at(t, d)->kind != DIM_SYM) return false;
    if (out) *out = (sym_id)dim_at(t, d)->value;
    return true;
}

static bool has_coefficient(const dim_node *x) { return x->kind == DIM_PRODUCT && x->value != 1; }

uint32_t dim_n_args(const dim_table *t, dim d) { return dim_at(t, d)->n_args + has_coefficient(dim_at(t, d)); }

dim dim_arg(const dim_table *t, dim d, uint32_t i) {
    const dim_node *x = dim_at(t, d);
    ASSERT(i < dim_n_args(t, d));
    if (!has_coefficient(x)) return dim_args(t, d)[i];
    if (i > 0) return dim_args(t, d)[i - 1];
    dim coef = DIM_BAD;
    bool found = dim_lookup(t, DIM_CONST, x->value, 0, NULL, &coef); /* interned together with the product */
    ASSERT(found);
    return coef;
}

bool dim_depends(const dim_table *t, dim d, sym_id s) {
    if (d == DIM_BAD) return false;
    const dim_node *x = dim_at(t, d);
    if (!(x->sym_bits >> (s % 64) & 1)) return false;
    if (x->kind == DIM_SYM) return x->value == s;
    for (uint32_t i = 0; i < x->n_args; i++)
        if (dim_depends(t, dim_args(t, d)[i], s)) return true;
    return false;
}
