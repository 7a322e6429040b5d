/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loop tree of an ATTEND group: softmax(scale q k^T + mask) v without ever storing the scores.
 *
 * A block of up to 64 rows lies along the vectors, so that every statistic is a vector operation. A row is a query of
 * one head; heads that share their keys stand side by side, so that they are read once for all of them: row i of a
 * block is query i floordiv G, head i mod G of the G that share keys. Keys and values are read in place, keys as broadcasts,
 * values along the vectors (from a copy of the block where their rows lie so far apart that they would meet in few sets
 * of the first-level cache); queries lie in panels as wide as a register block:
 *   qt[d, i] = scale * q[i, d]
 *   for each block of 64 keys j {
 *     s[j, i] = k[j, :] . qt[:, i]                                                  leaf, rows j, columns i
 *     s = score(s); m' = max(m, max_j s); p[j, i] = exp(s - m'); l = l * exp(m - m') + sum_j p; m = m'
 *     o[i, e] = o[i, e] * exp(m - m') + p[:, i] . v[:, e]          leaf, rows i, columns e, factor exp(m - m')
 *   }
 *   y[i, e] = o[i, e] * (1 / l[i])
 * Blocks of keys begin at absolute multiples of 64, so a row's bits do not depend on how many rows a call has. A row
 * whose keys are all excluded gives zeros (NaN with masked_nan); a score of NaN is left out of the maxima, as its
 * weight is NaN by itself. In causal order the blocks behind a block's last query are left out: they would change
 * nothing. */
#include "passes/tree/attend_parts.h"

#include <math.h>

#include "passes/tree/terms.h"
#include "passes/tree_cpu/trees_cpu.h"

enum { MAXIMA_UNROLL = 4, WEIGHTS_UNROLL = 2 }; /* vectors of rows that a step takes */

/* Columns of qt that lie together: as many as a register block has. */
static uint32_t query_panel(const attend_cx *x) {
    uint32_t n = target_tile_columns(x->t, dtype_bits(x->dt) / 8);
    return n < QUERIES ? n : QUERIES;
}

/* The loops around column d of query i, and the place in qt: i is panel and place in it. */
static dim push_queries(attend_cx *x, nest *s, dim d, dim to[3]) {
    dim_table *t = x->k->dims;
    dim w = dim_const(t, query_panel(x)), panel = dim_axis(t, "p", dim_ceildiv(t, x->n_block, w)),
        before = dim_mul(t, panel, w);
    dim col = dim_axis(t, "c", dim_min(t, w, dim_sub(t, x->n_block, before)));
    nest_push(s, KL_SEQ, panel, 0, 0);
    nest_push_lanes(s, x->lane, col);
    to[0] = panel, to[1] = d, to[2] = col;
    return dim_add(t, before, col);
}

/* Zeros in qt where the last vector of the block's queries has columns beyond them. */
static void clear_queries(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim_table *t = k->dims;
    dim w = dim_const(t, query_panel(x)), lanes = dim_const(t, x->lane.lanes);
    dim first = dim_mul(t, dim_floordiv(t, x->n_block, lanes), lanes);
    dim n = dim_sub(t, dim_mul(t, dim_ceildiv(t, x->n_block, lanes), lanes), first);
    if (dim_equal(t, n, dim_const(t, 0))) return;
    dim col = dim_axis(t, "z", n), d = dim_axis(t, "d", x->n_depth);
    dim to[3] = {dim_floordiv(t, first, w), d, dim_add(t, dim_mod(t, first, w), col)};
    nest s = {.k = k};
    klist body = {0};
    kstmt_store(k, &body, x->qt, to, kx_number(k, x->dt, 0), 0);
    nest_push_lanes(&s, x->lane, col);
    nest_push(&s, KL_SEQ, d, 0, 0);
    nest_close(&s, body, l);
}

static frit_status emit_queries(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim d = dim_axis(k->dims, "d", x->n_depth), i, at[MAX_RANK], to[3];
    klist body = {0};
    nest s = {.k = k};
    kx q;
    nest_push(&s, KL_SEQ, d, 0, 0);
    clear_queries(x, l);
    i = push_queries(x, &s, d, to);
    attend_query_at(x, i, d, at);
    TRY(expand(x->e, x->n->in[0], at, 0, &q));
    q = kx_cast(k, q, x->dt, true);
    kstmt_store(k, &body, x->qt, to, op2(k, OP_mul, q, attend_scale(x)), 0);
    nest_close(&s, body, l);
    return FRIT_OK;
}

/* An operand of a leaf: K or V over (key, column). */
typedef struct placed {
    buf_id buf;
    const dim *at;
    uint32_t panel;             /* columns that lie together, 0: all do */
    bool is_in_place, is_dense; /* dense: a row begins where the one before it ends */
} placed;

/* Whether a tile of columns, read from rows that lie apart by so many bytes, would fill the first-level cache (or its
 * few sets that such rows share) alone. The cache is taken to have 4 KiB in a way, as all of 32 and 48 KiB do. */
static bool rows_collide(const attend_cx *x, int64_t row_bytes, int64_t tile_bytes) {
    enum { LINE = 64, SETS = 64 };
    int64_t apart = row_bytes / LINE, tile_lines = tile_bytes / LINE > 0 ? tile_bytes / LINE : 1, n_sets = SETS;
    if (row_bytes <= 0 || row_bytes % LINE) return false;
    while (n_sets > 1 && apart % 2 == 0) apart /= 2, n_sets /= 2;
    n_sets *= tile_lines;
    if (n_sets > SETS) n_sets = SETS;
    return KEYS * tile_lines / n_sets * LINE * SETS > x->t->l1_bytes;
}

/* Whether what is loaded at [key, column] can be read in place: a row for each key, with the stride that is told.
 * Columns of V have to be contiguous. */
static bool is_in_place(attend_cx *x, kx loaded, bool is_value, dim key, dim column, dim *out_row) {
    kernel *k = x->k;
    kx_node n = k->exprs.at[loaded];
    dim coeff, rest;
    if (n.kind != KX_LOAD || n.pred) return false;
    dim offset = kbuf_offset(k, n.ref, n.at);
    return !loaded_follows(k, offset, key, column) && dim_linear(k->dims, offset, axis_sym(k, key), out_row, &rest) &&
           !dim_depends(k->dims, *out_row, axis_sym(k, column)) &&
           dim_linear(k->dims, rest, axis_sym(k, column), &coeff, &rest) &&
           (!is_value || dim_equal(k->dims, coeff, dim_const(k->dims, 1)));
}

/* Fills a tile with the block of K or V before the leaf: rows, or panels as wide as a register block. */
static void place(attend_cx *x, klist *l, bool is_value, kx element, dim key, dim column, placed *out) {
    kernel *k = x->k;
    dim width = axis_extent(k, column), r = dim_axis(k->dims, "r", x->n_key_block);
    dim panel = dim_const(k->dims, target_tile_columns(x->t, dtype_bits(x->dt) / 8)), n_panels, to[3], leaf_at[3];
    bool has_panels = is_value && dim_div_exact(k->dims, width, panel, &n_panels);
    if (!has_panels) panel = width, n_panels = dim_const(k->dims, 1);
    dim shape[3] = {n_panels, dim_const(k->dims, KEYS), panel};
    out->buf = kernel_local(k, is_value ? "vt" : "kt", x->dt, KB_TILE, 3, arena_copy(k->a, shape, sizeof shape));
    dim p = dim_axis(k->dims, "p", n_panels), c = dim_axis(k->dims, "c", panel);
    sym_id syms[2] = {axis_sym(k, key), axis_sym(k, column)};
    dim by[2] = {r, dim_add(k->dims, dim_mul(k->dims, p, panel), c)};
    klist body = {0};
    nest s = {.k = k};
    nest_push(&s, KL_SEQ, r, 0, 0);
    nest_push(&s, KL_SEQ, p, 0, 0);
    nest_push_lanes(&s, x->lane, c);
    to[0] = p, to[1] = r, to[2] = c;
    kstmt_store(k, &body, out->buf, to, kx_subst(k, element, 2, syms, by, NULL, NULL), 0);
    nest_close(&s, body, l);
    leaf_at[0] = dim_floordiv(k->dims, column, panel), leaf_at[1] = key, leaf_at[2] = dim_mod(k->dims, column, panel);
    out->at = arena_copy(k->a, leaf_at, sizeof leaf_at);
    int64_t n;
    if (has_panels && dim_is_const(k->dims, panel, &n)) out->panel = (uint32_t)n;
}

/* K or V over (key, column), that the leaf reads in place or from a tile filled with it. */
static frit_status leaf_operand(attend_cx *x, klist *l, bool is_value, dim key, dim column, placed *out) {
    kernel *k = x->k;
    dim at[MAX_RANK], row;
    kx element;
    int64_t bytes = dtype_bits(x->dt) / 8, apart;
    *out = (placed){0};
    attend_key_at(x, dim_add(k->dims, x->key_base, key), column, at);
    TRY(expand(x->e, x->n->in[is_value ? 2 : 1], at, 0, &element));
    element = kx_cast(k, element, x->dt, true);
    bool is_direct = is_in_place(x, element, is_value, key, column, &row);
    if (is_direct && is_value && dim_is_const(k->dims, row, &apart))
        is_direct = !rows_collide(x, apart * bytes, target_tile_columns(x->t, (uint32_t)bytes) * bytes);
    if (!is_direct) {
        place(x, l, is_value, element, key, column, out);
        return FRIT_OK;
    }
    out->buf = k->exprs.at[element].ref;
    out->at = k->exprs.at[element].at;
    out->is_in_place = true;
    out->is_dense = dim_equal(k->dims, row, axis_extent(k, column));
    return FRIT_OK;
}

/* s[j, i] = k[j, :] . qt[:, i] */
static frit_status emit_scores(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim j = dim_axis(k->dims, "row", x->n_key_block), i = dim_axis(k->dims, "col", x->n_block);
    dim d = dim_axis(k->dims, "kk", x->n_depth);
    dim w = dim_const(k->dims, query_panel(x));
    const dim *b_at =
        arena_copy(k->a, ((dim[3]){dim_floordiv(k->dims, i, w), d, dim_mod(k->dims, i, w)}), 3 * sizeof(dim));
    placed keys;
    TRY(leaf_operand(x, l, false, j, d, &keys));
    kleaf *leaf = kstmt_leaf(k, l);
    *leaf = (kleaf){.c = x->s,
                    .a = keys.buf,
                    .b = x->qt,
                    .c_at = index_list(k, 2, (dim[]){j, i}),
                    .a_at = keys.at,
                    .b_at = b_at,
                    .b_panel = query_panel(x),
                    .row = axis_sym(k, j),
                    .col = axis_sym(k, i),
                    .kk = axis_sym(k, d),
                    .rows = x->n_key_block,
                    .cols = x->n_block,
                    .n_k = x->n_depth,
                    .max_cols = QUERIES,
                    .padded = x->lane.lanes,
                    .a_walks = keys.is_in_place};
    return FRIT_OK;
}

/* Vectors of queries that a step takes: each of them waits for its own maximum (or sum) of the keys before. */
static uint32_t vectors_of_a_step(const attend_cx *x, uint32_t most) {
    const attr_attend *a = x->n->attrs;
    bool is_plain = x->n->n_in == 3 && a->softcap == 0;
    return is_plain ? most : 1;
}

/* m[i] = the largest score so far, alpha[i] = what that makes of sums over the keys before. */
static frit_status emit_maxima(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim i = attend_row_axis(x), j = dim_axis(k->dims, "j", x->n_key_block), at[2] = {j, i};
    kx one = kx_number(k, x->dt, 1), raw;
    klist body = {0}, sweep = {0};
    nest s = {.k = k};
    acc_id most = kernel_acc(k, "most", COMBINE_number_max, x->dt, 1);
    kstmt_acc(k, &body, most);
    TRY(attend_score(x, j, i, kx_load(k, x->s, at, 0, 0), &raw));
    kx scored = kstmt_let(k, &sweep, "score", raw);
    kstmt_store(k, &sweep, x->s, at, scored, 0);
    kstmt_update(k, &sweep, most, (kx[COMBINE_MAX]){scored});
    nest_push(&s, KL_SEQ, j, 0, 0);
    nest_close(&s, sweep, &body);
    kx old = kstmt_let(k, &body, "old", kx_load(k, x->m, &i, 0, 0)), block = kx_acc(k, most, 0);
    kx now = kstmt_let(k, &body, "now", pick(k, op2(k, OP_gt, block, old), block, old));
    kx shift = op2(k, OP_sub, old, now), is_empty = op2(k, OP_eq, now, kx_number(k, x->dt, -INFINITY));
    kstmt_store(k, &body, x->alpha, &i, pick(k, is_empty, one, kx_op(k, OP_exp, 1, &shift)), 0);
    kstmt_store(k, &body, x->m, &i, now, 0);
    nest vec = {.k = k};
    nest_push(&vec, KL_VEC, i, x->lane.lanes, vectors_of_a_step(x, MAXIMA_UNROLL));
    nest_close(&vec, body, l);
    return FRIT_OK;
}

/* Scores to weights, and the running sum of each query. Where nothing was seen yet every score is -inf, or NaN. */
static void emit_weights(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim i = attend_row_axis(x), j = dim_axis(k->dims, "j", x->n_key_block), at[2] = {j, i};
    klist body = {0}, weigh = {0};
    nest s = {.k = k};
    acc_id sum = kernel_acc(k, "sum", COMBINE_sum, x->dt, 1);
    kx most = kx_load(k, x->m, &i, 0, 0), is_empty = op2(k, OP_eq, most, kx_number(k, x->dt, -INFINITY));
    kx base = kstmt_let(k, &body, "base", pick(k, is_empty, kx_number(k, x->dt, 0), most));
    kstmt_acc(k, &body, sum);
    kx relative = op2(k, OP_sub, kx_load(k, x->s, at, 0, 0), base);
    kx weight = kstmt_let(k, &weigh, "weight", kx_op(k, OP_exp, 1, &relative));
    kstmt_store(k, &weigh, x->s, at, weight, 0);
    kstmt_update(k, &weigh, sum, (kx[COMBINE_MAX]){weight});
    nest_push(&s, KL_SEQ, j, 0, 0);
    nest_close(&s, weigh, &body);
    kx scaled = op2(k, OP_mul, kx_load(k, x->l, &i, 0, 0), kx_load(k, x->alpha, &i, 0, 0));
    kstmt_store(k, &body, x->l, &i, op2(k, OP_add, scaled, kx_acc(k, sum, 0)), 0);
    nest vec = {.k = k};
    nest_push(&vec, KL_VEC, i, x->lane.lanes, vectors_of_a_step(x, WEIGHTS_UNROLL));
    nest_close(&vec, body, l);
}

/* o[i, e] = o[i, e] * alpha[i] + p[:, i] . v[:, e] */
static frit_status emit_values(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim row = dim_axis(k->dims, "row", x->n_block), col = dim_axis(k->dims, "col", x->n_values);
    dim key = dim_axis(k->dims, "kk", x->n_key_block);
    int64_t lo, hi;
    placed values;
    dim_bounds(k->dims, x->n_values, &lo, &hi);
    TRY(leaf_operand(x, l, true, key, col, &values));
    kleaf *leaf = kstmt_leaf(k, l);
    *leaf = (kleaf){.c = x->o_tile,
                    .a = x->s,
                    .b = values.buf,
                    .c_at = index_list(k, 2, (dim[]){row, col}),
                    .a_at = index_list(k, 2, (dim[]){key, row}),
                    .b_at = values.at,
                    .b_panel = values.panel,
                    .b_streams = values.is_dense,
                    .row = axis_sym(k, row),
                    .col = axis_sym(k, col),
                    .kk = axis_sym(k, key),
                    .rows = x->n_block,
                    .cols = x->n_values,
                    .n_k = x->n_key_block,
                    .max_cols = hi < UINT32_MAX ? (uint32_t)hi : UINT32_MAX,
                    .accumulate = true,
                    .factor = kx_load(k, x->alpha, &row, 0, 0)};
    return FRIT_OK;
}

static void make_tiles(attend_cx *x) {
    kernel *k = x->k;
    dim n = dim_const(k->dims, QUERIES), w = dim_const(k->dims, query_panel(x));
    dim shape[3] = {dim_ceildiv(k->dims, n, w), x->n_depth, w};
    x->qt = kernel_local(k, "qt", x->dt, KB_TILE, 3, index_list(k, 3, shape));
    attend_score_tile(x);
    x->o_tile = attend_tile(x, "o", 2, n, x->n_values);
    attend_row_tiles(x);
}

frit_status tree_attend(expander *e, const target *t) {
    attend_cx x;
    TRY(attend_begin(&x, e, t, (lane_loop){KL_VEC, t->vector_bytes / 4, 1}));
    kernel *k = x.k;
    klist body = {0}, step = {0};
    make_tiles(&x);
    TRY(emit_queries(&x, &body));
    attend_start(&x, &body);
    dim first[2] = {attend_row_axis(&x), dim_axis(k->dims, "e", x.n_values)};
    attend_clear_output(&x, &body, first);
    TRY(emit_scores(&x, &step));
    TRY(emit_maxima(&x, &step));
    emit_weights(&x, &step);
    TRY(emit_values(&x, &step));
    attend_each_key_block(&x, step, &body);
    dim last[2] = {attend_row_axis(&x), dim_axis(k->dims, "e", x.n_values)};
    TRY(attend_result(&x, &body, last[0], last[1], last));
    attend_end(&x, body);
    k->schedule = (kschedule){.lanes = x.lane.lanes, .unroll = 1, .tile_m = QUERIES, .tile_n = KEYS};
    return FRIT_OK;
}
