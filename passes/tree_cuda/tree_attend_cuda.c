/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* CUDA's loop tree of an ATTEND group: softmax(scale q k^T + mask) v without ever storing the scores.
 *
 * The rows of a block (tree/attend_parts.h) are its threads. No thread reads another's column of a tile, so there is no
 * barrier:
 *   seq d { thread i { qt[d, i] = scale * q[i, d] } }
 *   for each block of 64 keys j {
 *     seq j { thread i { sum = 0; seq d { sum = fma(k[j, d], qt[d, i], sum) } s[j, i] = sum } }
 *     thread i { s = score(s); m' = max(m, max_j s); p[j, i] = exp(s - m'); l = l * exp(m - m') + sum_j p; m = m' }
 *     seq e { thread i { o[e, i] = o[e, i] * exp(m - m') + p[:, i] . v[:, e] } }
 *   }
 *   seq e { thread i { y[i, e] = o[e, i] * (1 / l[i]) } } */
#include "passes/tree/attend_parts.h"

#include <math.h>

#include "passes/tree/terms.h"
#include "passes/tree_cuda/trees_cuda.h"

static frit_status emit_queries(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim d = dim_axis(k->dims, "d", x->n_depth), i = attend_row_axis(x), at[MAX_RANK], to[2];
    klist body = {0};
    nest s = {.k = k};
    kx q;
    nest_push(&s, KL_SEQ, d, 0, 0);
    nest_push_lanes(&s, x->lane, i);
    to[0] = d, to[1] = i;
    attend_query_at(x, i, d, at);
    TRY(expand(x->e, x->n->in[0], at, 0, &q));
    q = kx_cast(k, q, x->dt, true);
    kstmt_store(k, &body, x->qt, to, op2(k, OP_mul, q, attend_scale(x)), 0);
    nest_close(&s, body, l);
    return FRIT_OK;
}

/* to[own, i] = (start, or 0) + the sum over inner of left * right, one thread per i. left is element (key,
 * column) of operand v; inner is one of the two, the other is own. */
typedef struct dot {
    value_id v;
    dim own, inner;   /* axes of the loops */
    dim key, column;  /* the operand's row and column: own and inner in some order */
    buf_id right, to; /* right[inner, i], to[own, i] */
    kx scale;         /* what the old to[own, i] is multiplied by before it is added; 0: starts from zero */
    buf_id sum;       /* the register that it is summed in */
} dot;

static frit_status emit_dot(attend_cx *x, klist *l, const dot *d, dim lane) {
    kernel *k = x->k;
    dim at[MAX_RANK], to[2] = {d->own, lane}, right[2] = {d->inner, lane}, zero = dim_const(k->dims, 0);
    kx left;
    nest lanes = {.k = k}, inner = {.k = k};
    klist body = {0}, step = {0};
    attend_key_at(x, dim_add(k->dims, x->key_base, d->key), d->column, at);
    TRY(expand(x->e, d->v, at, 0, &left));
    kx old = kx_load(k, d->to, to, 0, 0), sum = kx_load(k, d->sum, &zero, 0, 0);
    kstmt_store(k, &body, d->sum, &zero, d->scale ? op2(k, OP_mul, old, d->scale) : kx_number(k, x->dt, 0), 0);
    kx terms[3] = {kx_cast(k, left, x->dt, true), kx_load(k, d->right, right, 0, 0), sum};
    kstmt_store(k, &step, d->sum, &zero, kx_op(k, OP_fma, 3, terms), 0);
    nest_push(&inner, KL_SEQ, d->inner, 0, 0);
    nest_close(&inner, step, &body);
    kstmt_store(k, &body, d->to, to, sum, 0);
    nest_push(&lanes, KL_SEQ, d->own, 0, 0);
    nest_push_lanes(&lanes, x->lane, lane);
    nest_close(&lanes, body, l);
    return FRIT_OK;
}

/* s[j, i] = k[j, :] . qt[:, i] */
static frit_status emit_scores(attend_cx *x, klist *l, buf_id sum) {
    dot d = {.v = x->n->in[1], .right = x->qt, .to = x->s, .sum = sum};
    d.own = d.key = dim_axis(x->k->dims, "j", x->n_key_block);
    d.inner = d.column = dim_axis(x->k->dims, "d", x->n_depth);
    return emit_dot(x, l, &d, attend_row_axis(x));
}

/* Scores to weights, and the running maximum and sum of each query. */
static frit_status emit_softmax(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim i = attend_row_axis(x), j0 = dim_axis(k->dims, "j", x->n_key_block),
        j1 = dim_axis(k->dims, "j", x->n_key_block);
    dim at0[2] = {j0, i}, at1[2] = {j1, i};
    kx minus_inf = kx_number(k, x->dt, -INFINITY), zero = kx_number(k, x->dt, 0), one = kx_number(k, x->dt, 1), raw;
    klist body = {0}, sweep = {0};
    nest s = {.k = k};
    acc_id most = kernel_acc(k, "most", COMBINE_max, x->dt, 1), sum = kernel_acc(k, "sum", COMBINE_sum, x->dt, 1);
    kstmt_acc(k, &body, most);
    TRY(attend_score(x, j0, i, kx_load(k, x->s, at0, 0, 0), &raw));
    kx scored = kstmt_let(k, &sweep, "score", raw);
    kstmt_store(k, &sweep, x->s, at0, scored, 0);
    kx update[COMBINE_MAX] = {scored};
    kstmt_update(k, &sweep, most, update);
    nest_push(&s, KL_SEQ, j0, 0, 0);
    nest_close(&s, sweep, &body);
    kx old = kstmt_let(k, &body, "old", kx_load(k, x->m, &i, 0, 0));
    kx now = kstmt_let(k, &body, "now", op2(k, OP_max, old, kx_acc(k, most, 0)));
    kx is_empty = kstmt_let(k, &body, "empty", op2(k, OP_eq, now, minus_inf));
    kx shift = op2(k, OP_sub, old, now);
    kx alpha = kstmt_let(k, &body, "alpha", pick(k, is_empty, one, kx_op(k, OP_exp, 1, &shift)));
    klist weigh = {0};
    kstmt_acc(k, &body, sum);
    kx relative = op2(k, OP_sub, kx_load(k, x->s, at1, 0, 0), now);
    kx weight = kstmt_let(k, &weigh, "weight", pick(k, is_empty, zero, kx_op(k, OP_exp, 1, &relative)));
    kstmt_store(k, &weigh, x->s, at1, weight, 0);
    update[0] = weight;
    kstmt_update(k, &weigh, sum, update);
    nest_push(&s, KL_SEQ, j1, 0, 0);
    nest_close(&s, weigh, &body);
    kx scaled = op2(k, OP_mul, kx_load(k, x->l, &i, 0, 0), alpha);
    kstmt_store(k, &body, x->l, &i, op2(k, OP_add, scaled, kx_acc(k, sum, 0)), 0);
    kstmt_store(k, &body, x->m, &i, now, 0);
    kstmt_store(k, &body, x->alpha, &i, alpha, 0);
    attend_each_row(x, i, body, l);
    return FRIT_OK;
}

/* o[e, i] = o[e, i] * alpha[i] + p[:, i] . v[:, e] */
static frit_status emit_values(attend_cx *x, klist *l, buf_id sum) {
    kernel *k = x->k;
    dim e = dim_axis(k->dims, "e", x->n_values), i = attend_row_axis(x);
    dot d = {.v = x->n->in[2], .right = x->s, .to = x->o_tile, .scale = kx_load(k, x->alpha, &i, 0, 0), .sum = sum};
    d.own = d.column = e;
    d.inner = d.key = dim_axis(k->dims, "j", x->n_key_block);
    return emit_dot(x, l, &d, i);
}

/* Returns the register of dot products. */
static buf_id make_tiles(attend_cx *x) {
    kernel *k = x->k;
    dim n = dim_const(k->dims, QUERIES), one = dim_const(k->dims, 1);
    x->qt = attend_tile(x, "qt", 2, x->n_depth, n);
    attend_score_tile(x);
    x->o_tile = attend_tile(x, "o", 2, x->n_values, n);
    attend_row_tiles(x);
    return kernel_local(k, "sum", x->dt, KB_REG, 1, index_list(k, 1, &one));
}

frit_status tree_attend_cuda(expander *e, const target *t) {
    attend_cx x;
    TRY(attend_begin(&x, e, t, (lane_loop){KL_THREAD, QUERIES, 0}));
    kernel *k = x.k;
    klist body = {0}, step = {0};
    buf_id sum = make_tiles(&x);
    TRY(emit_queries(&x, &body));
    attend_start(&x, &body);
    dim row = attend_row_axis(&x), column = dim_axis(k->dims, "e", x.n_values);
    attend_clear_output(&x, &body, (dim[2]){column, row});
    TRY(emit_scores(&x, &step, sum));
    TRY(emit_softmax(&x, &step));
    TRY(emit_values(&x, &step, sum));
    attend_each_key_block(&x, step, &body);
    row = attend_row_axis(&x), column = dim_axis(k->dims, "e", x.n_values);
    TRY(attend_result(&x, &body, row, column, (dim[2]){column, row}));
    attend_end(&x, body);
    k->schedule = (kschedule){.is_cuda = true, .lanes = QUERIES, .threads = QUERIES, .tile_m = QUERIES, .tile_n = KEYS};
    return FRIT_OK;
}
