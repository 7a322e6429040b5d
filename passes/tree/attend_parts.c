/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "passes/tree/attend_parts.h"

#include <math.h>

#include "passes/tree/terms.h"

buf_id attend_tile(attend_cx *x, const char *name, uint32_t rank, dim a, dim b) {
    dim shape[2] = {a, b};
    return kernel_local(x->k, name, x->dt, KB_TILE, rank, arena_copy(x->k->a, shape, sizeof shape));
}

void attend_key_at(const attend_cx *x, dim key, dim col, dim *out) {
    for (uint32_t i = 0; i + 3 < x->rank; i++) out[i] = x->gr->axes[i];
    out[x->rank - 3] = x->key_head;
    out[x->rank - 2] = key;
    out[x->rank - 1] = col;
}

dim attend_query_of(const attend_cx *x, dim i) {
    return dim_add(x->k->dims, x->query_base, dim_floordiv(x->k->dims, i, dim_const(x->k->dims, x->heads)));
}

static dim head_of(const attend_cx *x, dim i) {
    dim_table *t = x->k->dims;
    if (x->heads == 1) return x->gr->axes[x->rank - 3];
    dim n = dim_const(t, x->heads);
    return dim_add(t, dim_mul(t, x->key_head, n), dim_mod(t, i, n));
}

void attend_query_at(const attend_cx *x, dim i, dim col, dim *out) {
    for (uint32_t b = 0; b + 3 < x->rank; b++) out[b] = x->gr->axes[b];
    out[x->rank - 3] = head_of(x, i);
    out[x->rank - 2] = attend_query_of(x, i);
    out[x->rank - 1] = col;
}

dim attend_row_axis(attend_cx *x) { return dim_axis(x->k->dims, "i", x->n_block); }

void attend_each_row(attend_cx *x, dim lane, klist body, klist *l) {
    nest s = {.k = x->k};
    nest_push_lanes(&s, x->lane, lane);
    nest_close(&s, body, l);
}

kx attend_scale(const attend_cx *x) {
    kernel *k = x->k;
    const attr_attend *a = x->n->attrs;
    int64_t known;
    if (a->scale != 0) return kx_number(k, x->dt, a->scale);
    if (dim_is_const(k->dims, x->n_depth, &known)) return kx_number(k, x->dt, 1 / sqrt((double)known));
    kx depth = kx_cast(k, kx_index(k, x->n_depth), x->dt, true), one = kx_number(k, x->dt, 1);
    return op2(k, OP_div, one, kx_op(k, OP_sqrt, 1, &depth));
}

frit_status attend_score(attend_cx *x, dim j, dim i, kx raw, kx *out) {
    kernel *k = x->k;
    dim_table *t = k->dims;
    const attr_attend *a = x->n->attrs;
    dim query = attend_query_of(x, i), key = dim_add(t, x->key_base, j);
    kx minus_inf = kx_number(k, x->dt, -INFINITY), s = raw;
    if (a->softcap != 0) {
        kx cap = kx_number(k, x->dt, a->softcap), ratio = op2(k, OP_div, s, cap);
        s = op2(k, OP_mul, cap, kx_op(k, OP_tanh, 1, &ratio));
    }
    if (x->n->n_in > 3) {
        const tensor_type *mask = graph_type(x->e->f->g, x->n->in[3]);
        dim full[MAX_RANK], at[MAX_RANK];
        attend_query_at(x, i, key, full);
        for (uint32_t d = 0; d < mask->rank; d++) {
            uint32_t f = x->rank - mask->rank + d;
            dim extent = f + 1 == x->rank ? x->n_keys : graph_type(x->e->f->g, x->n->in[0])->shape[f];
            at[d] = graph_axis_index(x->e->f->g, mask->shape[d], extent, full[f]);
        }
        kx m;
        TRY(expand(x->e, x->n->in[3], at, 0, &m));
        if (mask->dt == FRIT_DT_BOOL)
            s = pick(k, m, s, minus_inf);
        else
            s = op2(k, OP_add, s, kx_cast(k, m, x->dt, true));
    }
    dim offset = dim_sub(t, x->n_keys, x->n_queries); /* the last query sees the last key */
    dim last = dim_add(t, query, offset);
    if (a->causal) s = pick(k, op2(k, OP_le, kx_index(k, key), kx_index(k, last)), s, minus_inf);
    if (a->window > 0) {
        kx first = kx_index(k, dim_sub(t, last, dim_const(t, a->window)));
        s = pick(k, op2(k, OP_gt, kx_index(k, key), first), s, minus_inf);
    }
    *out = s;
    return FRIT_OK;
}

void attend_score_tile(attend_cx *x) {
    x->s = attend_tile(x, "s", 2, dim_const(x->k->dims, KEYS), dim_const(x->k->dims, QUERIES));
}

void attend_row_tiles(attend_cx *x) {
    dim n = dim_const(x->k->dims, QUERIES);
    x->m = attend_tile(x, "m", 1, n, n);
    x->l = attend_tile(x, "l", 1, n, n);
    x->alpha = attend_tile(x, "alpha", 1, n, n);
}

void attend_start(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim i = attend_row_axis(x);
    klist body = {0};
    kstmt_store(k, &body, x->m, &i, kx_number(k, x->dt, -INFINITY), 0);
    kstmt_store(k, &body, x->l, &i, kx_number(k, x->dt, 0), 0);
    attend_each_row(x, i, body, l);
}

void attend_clear_output(attend_cx *x, klist *l, const dim loops[2]) {
    kernel *k = x->k;
    nest s = {.k = k};
    klist zero = {0};
    nest_push(&s, KL_SEQ, loops[0], 0, 0);
    nest_push_lanes(&s, x->lane, loops[1]);
    kstmt_store(k, &zero, x->o_tile, loops, kx_number(k, x->dt, 0), 0);
    nest_close(&s, zero, l);
}

void attend_each_key_block(attend_cx *x, klist step, klist *l) {
    nest s = {.k = x->k};
    nest_push(&s, KL_SEQ, x->key_block, 0, 0);
    nest_close(&s, step, l);
}

static kx resolve_result(expander *e, value_id v, const dim *at, kx guard) {
    attend_cx *x = e->data;
    kernel *k = x->k;
    (void)at;
    (void)guard;
    if (v != x->n->out) return 0;
    kx inverse = kx_load(k, x->alpha, &x->o_row, 0, 0);
    kx mean = op2(k, OP_mul, kx_load(k, x->o_tile, x->o_at, 0, 0), inverse);
    return kx_cast(k, mean, graph_type(e->f->g, v)->dt, true);
}

/* What stands for 1 / 0 in a row of which nothing was summed: 0 makes it zeros, infinity NaN. */
static kx inverse_of_nothing(attend_cx *x) {
    kernel *k = x->k;
    const attr_attend *a = x->n->attrs;
    kx zero = kx_number(k, x->dt, 0), infinity = kx_number(k, x->dt, INFINITY);
    if (!a->masked_nan) return zero;
    int64_t least, most;
    dim_bounds(k->dims, x->n_keys, &least, &most);
    if (least > 0) return infinity;
    kx n_keys = kx_cast(k, kx_index(k, x->n_keys), x->dt, true);
    return pick(k, op2(k, OP_eq, n_keys, zero), zero, infinity); /* over no keys: zeros */
}

/* alpha[i] = 1 / l[i]. */
static void emit_inverse(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim i = attend_row_axis(x);
    klist body = {0};
    kx sum = kx_load(k, x->l, &i, 0, 0), zero = kx_number(k, x->dt, 0);
    kx inverse = pick(k, op2(k, OP_eq, sum, zero), inverse_of_nothing(x), op2(k, OP_div, kx_number(k, x->dt, 1), sum));
    kstmt_store(k, &body, x->alpha, &i, inverse, 0);
    attend_each_row(x, i, body, l);
}

frit_status attend_result(attend_cx *x, klist *l, dim i, dim e, const dim loops[2]) {
    kernel *k = x->k;
    const dim *axes = x->gr->axes + x->rank - 3;
    sym_id syms[3];
    dim by[3] = {attend_query_of(x, i), e, head_of(x, i)};
    uint32_t n_syms = x->heads == 1 ? 2 : 3;
    for (uint32_t s = 0; s < n_syms; s++) syms[s] = axis_sym(k, axes[(s + 1) % 3]);
    nest s = {.k = k};
    klist body = {0};
    emit_inverse(x, l);
    nest_push(&s, KL_SEQ, loops[0], 0, 0);
    nest_push_lanes(&s, x->lane, loops[1]);
    x->o_at[0] = loops[0], x->o_at[1] = loops[1];
    x->o_row = i;
    x->e->resolve = resolve_result;
    x->e->data = x;
    x->e->memo = (map){.a = k->a};
    for (uint32_t o = 0; o < x->gr->outputs.n; o++) {
        value_id v = x->gr->outputs.at[o];
        dim at[MAX_RANK];
        kx y;
        for (uint32_t d = 0; d < graph_type(x->e->f->g, v)->rank; d++)
            at[d] = dim_subst(k->dims, x->e->f->index[v][d], n_syms, syms, by);
        TRY(expand(x->e, v, at, 0, &y));
        expander_store(x->e, &body, v, at, y, 0);
    }
    nest_close(&s, body, l);
    return FRIT_OK;
}

/* Blocks of keys that a block of queries reads. */
static dim key_blocks(const attend_cx *x, dim keys) {
    dim_table *t = x->k->dims;
    const attr_attend *a = x->n->attrs;
    dim all = dim_ceildiv(t, x->n_keys, keys);
    if (!a->causal) return all;
    dim queries = dim_floordiv(t, x->n_block, dim_const(t, x->heads));
    dim seen = dim_add(t, dim_add(t, x->query_base, queries), dim_sub(t, x->n_keys, x->n_queries));
    return dim_min(t, all, dim_max(t, dim_const(t, 0), dim_ceildiv(t, seen, keys)));
}

/* Which query heads share a block: all that share a key head where their
 * number is known and leaves room for a query of each. */
static void share_heads(attend_cx *x, dim heads, dim key_heads) {
    dim_table *t = x->k->dims;
    dim head = x->gr->axes[x->rank - 3];
    int64_t n = 1;
    if (!dim_div_exact(t, heads, key_heads, &x->heads_per_key)) x->heads_per_key = dim_floordiv(t, heads, key_heads);
    bool are_shared = dim_is_const(t, x->heads_per_key, &n) && n > 1 && n <= QUERIES;
    x->heads = are_shared ? n : 1;
    x->key_head = are_shared ? dim_axis(t, "h", key_heads) : dim_floordiv(t, head, x->heads_per_key);
}

frit_status attend_begin(attend_cx *x, expander *e, const target *t, lane_loop lane) {
    const group *gr = &e->f->groups.at[e->group];
    const graph *g = e->f->g;
    kernel *k = e->k;
    dim_table *d = k->dims;
    *x = (attend_cx){.e = e, .t = t, .k = k, .gr = gr, .n = graph_node(g, gr->anchor), .lane = lane};
    const tensor_type *q = graph_type(g, x->n->in[0]), *key = graph_type(g, x->n->in[1]),
                      *v = graph_type(g, x->n->in[2]);
    x->rank = q->rank;
    if (x->rank < 3) return FAIL(e->c, UNSUPPORTED, NULL, "attend of rank %u: needs a head axis", x->rank);
    x->dt = q->dt == FRIT_DT_F64 ? FRIT_DT_F64 : FRIT_DT_F32;
    x->n_queries = q->shape[x->rank - 2];
    x->n_depth = q->shape[x->rank - 1];
    x->n_keys = key->shape[x->rank - 2];
    x->n_values = v->shape[x->rank - 1];
    share_heads(x, q->shape[x->rank - 3], key->shape[x->rank - 3]);
    dim n = dim_const(d, QUERIES / x->heads), keys = dim_const(d, KEYS);
    x->block = dim_axis(d, "ib", dim_ceildiv(d, x->n_queries, n));
    x->query_base = dim_mul(d, x->block, n);
    x->n_block = dim_mul(d, dim_min(d, n, dim_sub(d, x->n_queries, x->query_base)), dim_const(d, x->heads));
    x->key_block = dim_axis(d, "jb", key_blocks(x, keys));
    x->key_base = dim_mul(d, x->key_block, keys);
    x->n_key_block = dim_min(d, keys, dim_sub(d, x->n_keys, x->key_base));
    return FRIT_OK;
}

void attend_end(attend_cx *x, klist body) {
    nest outer = {.k = x->k};
    klist top = {0};
    for (uint32_t i = 0; i + 3 < x->rank; i++) nest_push(&outer, KL_PAR, x->gr->axes[i], 0, 0);
    nest_push(&outer, KL_PAR, x->heads == 1 ? x->gr->axes[x->rank - 3] : x->key_head, 0, 0);
    nest_push(&outer, KL_PAR, x->block, 0, 0);
    nest_close(&outer, body, &top);
    vec_push(x->k->a, x->k->phases, top.first);
}
