/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a kernel costs, from its loop tree: floating-point operations (each operator of a scalar expression counts one,
 * a step of a matrix leaf two) and memory traffic (each parameter once, or as often as it is looked into where the
 * index comes from memory). Upper estimates, for choosing thread counts and for reports. */
#include <string.h>

#include "ir/kernel/kernel.h"

enum { MOST_ADDED = 1024 };

/* A loop around the statement at hand. */
typedef struct around {
    const struct around *outer;
    sym_id axis;
} around;

typedef struct costing {
    kernel *k;
    dim *touched;      /* per parameter: elements accessed through loaded indices, 0 const when none */
    bool *is_direct;   /* per parameter: accessed by plain indices */
    uint32_t *seen_at; /* per expression: the statement that counted it last */
    uint32_t statement;
    dim flops;
} costing;

static bool is_loaded(dim_table *t, dim d) {
    sym_id s;
    if (dim_is_sym(t, d, &s)) return dim_sym_info(t, s)->kind == SYM_LOADED;
    if (dim_is_const(t, d, NULL)) return false;
    for (uint32_t i = 0; i < dim_n_args(t, d); i++)
        if (is_loaded(t, dim_arg(t, d, i))) return true;
    return false;
}

/* The first axis or loaded index in d, SYM_NONE when there is none. */
static sym_id first_inner(dim_table *t, dim d) {
    sym_id s;
    if (dim_is_sym(t, d, &s)) {
        sym_kind kind = dim_sym_info(t, s)->kind;
        return kind == SYM_AXIS || kind == SYM_LOADED ? s : SYM_NONE;
    }
    if (dim_is_const(t, d, NULL)) return SYM_NONE;
    for (uint32_t i = 0; i < dim_n_args(t, d); i++)
        if ((s = first_inner(t, dim_arg(t, d, i))) != SYM_NONE) return s;
    return SYM_NONE;
}

/* An extent at its largest: where loops around decide it, that is at their start. */
static dim largest(dim_table *t, dim d) {
    dim zero = dim_const(t, 0);
    for (sym_id s; (s = first_inner(t, d)) != SYM_NONE;) d = dim_subst(t, d, 1, &s, &zero);
    return d;
}

/* The sum of d over an axis; where the extent is not known, the first stands for all. */
static dim sum_over(dim_table *t, dim d, sym_id axis) {
    dim extent = dim_sym_info(t, axis)->extent, zero = dim_const(t, 0), total;
    int64_t n;
    if (!dim_depends(t, d, axis)) return dim_mul(t, d, extent);
    dim first = dim_subst(t, d, 1, &axis, &zero);
    if (!dim_is_const(t, extent, &n) || n > MOST_ADDED) return dim_mul(t, first, extent);
    total = zero;
    for (int64_t i = 0; i < n; i++) {
        dim at = dim_const(t, i);
        total = dim_add(t, total, dim_subst(t, d, 1, &axis, &at));
    }
    return total;
}

/* How often something happens that happens d times for each iteration of the loops around it. */
static dim sum_around(const costing *x, dim d, const around *loops) {
    for (; loops; loops = loops->outer) d = sum_over(x->k->dims, d, loops->axis);
    return largest(x->k->dims, d);
}

static void touch(costing *x, buf_id b, uint32_t n_at, const dim *at, const around *loops) {
    if (b >= x->k->n_params) return;
    bool loaded = false;
    for (uint32_t i = 0; i < n_at; i++) loaded |= is_loaded(x->k->dims, at[i]);
    if (loaded)
        x->touched[b] = dim_add(x->k->dims, x->touched[b], sum_around(x, dim_const(x->k->dims, 1), loops));
    else
        x->is_direct[b] = true;
}

/* Operators in e that this statement did not count yet. */
static int64_t count_ops(costing *x, kx e, const around *loops) {
    if (e == 0 || x->seen_at[e] == x->statement) return 0;
    x->seen_at[e] = x->statement;
    const kx_node *n = &x->k->exprs.at[e];
    int64_t ops = 0;
    if (n->kind == KX_OP) {
        ops = dtype_is_float(n->dt);
        for (uint32_t i = 0; i < n->n_args; i++) ops += count_ops(x, n->arg[i], loops);
    } else if (n->kind == KX_LOAD) {
        touch(x, n->ref, n->n_at, n->at, loops);
        ops = count_ops(x, n->pred, loops) + count_ops(x, n->fill, loops);
    }
    return ops;
}

static void add_flops(costing *x, dim each, const around *loops) {
    dim_table *t = x->k->dims;
    if (!dim_equal(t, each, dim_const(t, 0))) x->flops = dim_add(t, x->flops, sum_around(x, each, loops));
}

static void cost_leaf(costing *x, const kleaf *leaf, const around *loops) {
    dim_table *t = x->k->dims;
    if (leaf->k_pack > x->k->k_pack) x->k->k_pack = leaf->k_pack;
    dim taps = leaf->has_taps ? leaf->n_taps : dim_const(t, 1);
    add_flops(x, dim_product(t, 5, (dim[]){dim_const(t, 2), leaf->rows, leaf->cols, leaf->n_k, taps}), loops);
    const buf_id bufs[] = {leaf->a, leaf->b, leaf->c};
    for (size_t i = 0; i < countof(bufs); i++)
        if (bufs[i] < x->k->n_params) x->is_direct[bufs[i]] = true;
}

static void cost_list(costing *x, const kstmt *s, const around *loops);

/* One side of a branch runs: the costlier one counts. */
static void cost_branch(costing *x, const kstmt *s, const around *loops) {
    dim before = x->flops, none = dim_const(x->k->dims, 0);
    x->flops = none;
    cost_list(x, s->u.branch.body, loops);
    dim body = x->flops;
    x->flops = none;
    cost_list(x, s->u.branch.orelse, loops);
    x->flops = dim_add(x->k->dims, before, dim_max(x->k->dims, body, x->flops));
}

static void cost_statement(costing *x, const kstmt *s, const around *loops) {
    x->statement++;
    int64_t ops = 0;
    switch (s->kind) {
    case KS_LOOP:
        cost_list(x, s->u.loop.body, &(around){loops, s->u.loop.axis});
        return;
    case KS_IF:
        cost_branch(x, s, loops);
        return;
    case KS_UPDATE:
        for (uint32_t i = 0; i < COMBINE_MAX; i++)
            ops += count_ops(x, s->u.update.value[i], loops) + (s->u.update.value[i] != 0);
        break;
    case KS_LET:
        ops = count_ops(x, x->k->lets.at[s->u.let.let].value, loops);
        break;
    case KS_STORE:
        ops = count_ops(x, s->u.store.value, loops) + count_ops(x, s->u.store.pred, loops);
        touch(x, s->u.store.buf, x->k->bufs.at[s->u.store.buf].rank, s->u.store.at, loops);
        break;
    case KS_LEAF:
        cost_leaf(x, s->u.leaf, loops);
        return;
    case KS_ACC:
    case KS_BARRIER:
        return;
    }
    add_flops(x, dim_const(x->k->dims, ops), loops);
}

static void cost_list(costing *x, const kstmt *s, const around *loops) {
    for (; s; s = s->next) cost_statement(x, s, loops);
}

/* Of all parameters, or of those that are written. */
static dim memory_traffic(costing *x, bool of_all) {
    dim_table *t = x->k->dims;
    dim bits = dim_const(t, 0);
    for (buf_id b = 0; b < x->k->n_params; b++) {
        if (!of_all && !x->k->bufs.at[b].is_written) continue;
        dim elements = kbuf_elements(x->k, b);
        if (!x->is_direct[b] && !dim_le(t, elements, x->touched[b])) elements = dim_min(t, elements, x->touched[b]);
        bits = dim_add(t, bits, dim_mul(t, elements, dim_const(t, dtype_bits(x->k->bufs.at[b].dt))));
    }
    return dim_ceildiv(t, bits, dim_const(t, 8));
}

void kernel_cost(kernel *k, arena *scratch) {
    costing x = {.k = k, .flops = dim_const(k->dims, 0)};
    x.touched = ARENA_ARRAY(scratch, dim, k->n_params + 1u);
    x.is_direct = ARENA_ARRAY(scratch, bool, k->n_params + 1u);
    x.seen_at = ARENA_ARRAY(scratch, uint32_t, k->exprs.n + 1u);
    for (buf_id b = 0; b < k->n_params; b++) x.touched[b] = dim_const(k->dims, 0);
    k->k_pack = 1;
    for (uint32_t i = 0; i < k->phases.n; i++) cost_list(&x, k->phases.at[i], NULL);
    k->flops = x.flops;
    k->bytes = memory_traffic(&x, true);
    k->written = memory_traffic(&x, false);
}
