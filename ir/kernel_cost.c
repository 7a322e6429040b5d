/* What a kernel costs, from its loop tree: floating-point operations (each operator of a scalar expression counts one,
 * a step of a matrix leaf two) and memory traffic (each parameter once, or as often as it is looked into where the
 * index comes from memory). Upper estimates, for choosing thread counts and for reports. */
#include <string.h>

#include "ir/kernel.h"

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

static void touch(costing *x, buf_id b, uint32_t n_at, const dim *at, dim times) {
    if (b >= x->k->n_params) return;
    bool loaded = false;
    for (uint32_t i = 0; i < n_at; i++) loaded |= is_loaded(x->k->dims, at[i]);
    if (loaded)
        x->touched[b] = dim_add(x->k->dims, x->touched[b], times);
    else
        x->is_direct[b] = true;
}

/* Operators in e that this statement did not count yet. */
static int64_t count_ops(costing *x, kx e, dim times) {
    if (e == 0 || x->seen_at[e] == x->statement) return 0;
    x->seen_at[e] = x->statement;
    const kx_node *n = &x->k->exprs.at[e];
    int64_t ops = 0;
    if (n->kind == KX_OP) {
        ops = dtype_is_float(n->dt);
        for (uint32_t i = 0; i < n->n_args; i++) ops += count_ops(x, n->arg[i], times);
    } else if (n->kind == KX_LOAD) {
        touch(x, n->ref, n->n_at, n->at, times);
        ops = count_ops(x, n->pred, times) + count_ops(x, n->fill, times);
    }
    return ops;
}

static void add_flops(costing *x, int64_t each, dim times) {
    dim_table *t = x->k->dims;
    if (each) x->flops = dim_add(t, x->flops, dim_mul(t, dim_const(t, each), times));
}

static void cost_leaf(costing *x, const kleaf *leaf, dim times) {
    dim_table *t = x->k->dims;
    dim taps = leaf->has_taps ? leaf->n_taps : dim_const(t, 1);
    dim steps = largest(t, dim_product(t, 4, (dim[]){leaf->rows, leaf->cols, leaf->n_k, taps}));
    add_flops(x, 2, dim_mul(t, times, steps));
    const buf_id bufs[] = {leaf->a, leaf->b, leaf->c};
    for (size_t i = 0; i < countof(bufs); i++)
        if (bufs[i] < x->k->n_params) x->is_direct[bufs[i]] = true;
}

static void cost_list(costing *x, const kstmt *s, dim times);

static void cost_statement(costing *x, const kstmt *s, dim times) {
    x->statement++;
    int64_t ops = 0;
    switch (s->kind) {
    case KS_LOOP:
        cost_list(x, s->u.loop.body,
                  dim_mul(x->k->dims, times, largest(x->k->dims, dim_sym_info(x->k->dims, s->u.loop.axis)->extent)));
        return;
    case KS_IF:
        cost_list(x, s->u.branch.body, times);
        cost_list(x, s->u.branch.orelse, times);
        return;
    case KS_UPDATE:
        for (uint32_t i = 0; i < COMBINE_MAX; i++)
            ops += count_ops(x, s->u.update.value[i], times) + (s->u.update.value[i] != 0);
        break;
    case KS_LET:
        ops = count_ops(x, x->k->lets.at[s->u.let.let].value, times);
        break;
    case KS_STORE:
        ops = count_ops(x, s->u.store.value, times) + count_ops(x, s->u.store.pred, times);
        touch(x, s->u.store.buf, x->k->bufs.at[s->u.store.buf].rank, s->u.store.at, times);
        break;
    case KS_LEAF:
        cost_leaf(x, s->u.leaf, times);
        return;
    case KS_ACC:
    case KS_BARRIER:
        return;
    }
    add_flops(x, ops, times);
}

static void cost_list(costing *x, const kstmt *s, dim times) {
    for (; s; s = s->next) cost_statement(x, s, times);
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
    for (uint32_t i = 0; i < k->phases.n; i++) cost_list(&x, k->phases.at[i], dim_const(k->dims, 1));
    k->flops = x.flops;
    k->bytes = memory_traffic(&x, true);
    k->written = memory_traffic(&x, false);
}
