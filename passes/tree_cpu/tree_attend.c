/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loop tree of an ATTEND group: softmax(scale q k^T + mask) v without ever storing the scores.
 *
 * A block of up to 64 rows lies along the vectors, so that every statistic is a vector operation. A row is a query of
 * one head; heads that share their keys stand side by side, so that they are read once for all of them: row i of a
 * block is query i floordiv G, head i mod G of a group of G. Keys and values are read in place, keys as broadcasts,
 * values along the vectors (from a copy of the block where their rows lie so far apart that they would meet in few sets
 * of the first-level cache); queries lie in panels as wide as a register tile:
 *   qt[d, i] = scale * q[i, d]
 *   for each block of 64 keys j {
 *     s[j, i] = k[j, :] . qt[:, i]                                                  leaf, rows j, columns i
 *     s = score(s); m' = max(m, max_j s); p[j, i] = exp(s - m'); l = l * exp(m - m') + sum_j p; m = m'
 *     o[i, e] = o[i, e] * exp(m - m') + p[:, i] . v[:, e]          leaf, rows i, columns e, factor exp(m - m')
 *   }
 *   y[i, e] = o[i, e] * (1 / l[i])
 * Blocks of keys begin at absolute multiples of 64, so a row's bits do not depend on how many rows a call has. A row
 * whose keys are all excluded gives zeros; a score of NaN is left out of the maxima, as its weight is NaN by itself. In
 * causal order the blocks behind a block's last query are left out: they would change nothing.
 *
 * On CUDA the queries of a block are its threads: the same statements in thread loops, the leaves written as loops
 * whose sums stay in a register, o the other way round. No thread reads another's column, so there is no barrier. */
#include "passes/tree/axes.h"
#include "passes/tree/tree.h"

#include <math.h>
#include <string.h>

enum { QUERIES = 64, KEYS = 64, MAXIMA_UNROLL = 4, WEIGHTS_UNROLL = 2 };

typedef struct attend_cx {
    expander *e;
    const lower_options *o;
    kernel *k;
    const group *gr;
    const node *n;
    dtype dt;                                 /* of the scores and sums: f32, or f64 for f64 operands */
    uint32_t rank;                            /* of q, k, v */
    dim n_queries, n_keys, n_depth, n_values; /* S, T, D, E */
    dim group_size;                           /* query heads per key head */
    dim key_head;                             /* axis of the key heads */
    int64_t heads;                            /* query heads whose rows stand in a block: all of a group, or one */
    dim query_base, n_block;                  /* first query of the block; rows in the block */
    dim key_block;                            /* axis of the blocks of keys */
    dim key_base, n_key_block;
    buf_id qt, s, o_tile, m, l, alpha; /* alpha: factor of the old sums, at the end 1 / l */
    dim o_at[2], o_row;                /* index in o_tile and the query in its block during the epilogue */
    uint32_t lanes, panel;             /* panel: columns of qt that lie together, as many as a register tile has */
    bool is_cuda;
    buf_id sum; /* CUDA: the register of a dot product */
} attend_cx;

static kx op2(kernel *k, op_code op, kx a, kx b) {
    kx args[2] = {a, b};
    return kx_op(k, op, 2, args);
}

static kx pick(kernel *k, kx cond, kx a, kx b) {
    kx args[3] = {cond, a, b};
    return kx_op(k, OP_select, 3, args);
}

static buf_id tile_of(attend_cx *x, const char *name, uint32_t rank, dim a, dim b) {
    dim shape[2] = {a, b};
    return kernel_local(x->k, name, x->dt, KB_TILE, rank, arena_copy(x->k->a, shape, sizeof shape));
}

/* Index of k or v: the batch axes of the domain, the key head, then key and column. */
static void key_at(const attend_cx *x, dim key, dim col, dim *out) {
    for (uint32_t i = 0; i + 3 < x->rank; i++) out[i] = x->gr->axes[i];
    out[x->rank - 3] = x->key_head;
    out[x->rank - 2] = key;
    out[x->rank - 1] = col;
}

/* The query and the query head of row i of the block. */
static dim query_of(const attend_cx *x, dim i) {
    return dim_add(x->k->dims, x->query_base, dim_floordiv(x->k->dims, i, dim_const(x->k->dims, x->heads)));
}

static dim head_of(const attend_cx *x, dim i) {
    dim_table *t = x->k->dims;
    if (x->heads == 1) return x->gr->axes[x->rank - 3];
    dim n = dim_const(t, x->heads);
    return dim_add(t, dim_mul(t, x->key_head, n), dim_mod(t, i, n));
}

/* Index of q, or of a mask: that of row i of the block, then the column. */
static void query_at(const attend_cx *x, dim i, dim col, dim *out) {
    for (uint32_t b = 0; b + 3 < x->rank; b++) out[b] = x->gr->axes[b];
    out[x->rank - 3] = head_of(x, i);
    out[x->rank - 2] = query_of(x, i);
    out[x->rank - 1] = col;
}

static void push_lane(attend_cx *x, nest *s, dim axis) {
    nest_push(s, x->is_cuda ? KL_THREAD : KL_VEC, axis, x->lanes, x->is_cuda ? 0 : 1);
}

/* The lane loop over the queries of the block around body. */
static void vec_queries(attend_cx *x, dim lane, klist body, klist *l) {
    nest s = {.k = x->k};
    push_lane(x, &s, lane);
    nest_close(&s, body, l);
}

/* Loops over the result's queries and columns, and where o keeps an element: queries along the threads, or columns
 * along the vectors. */
static void push_output(attend_cx *x, nest *s, dim i, dim e) {
    nest_push(s, KL_SEQ, x->is_cuda ? e : i, 0, 0);
    push_lane(x, s, x->is_cuda ? i : e);
}

static void output_at(const attend_cx *x, dim i, dim e, dim out[2]) {
    out[0] = x->is_cuda ? e : i;
    out[1] = x->is_cuda ? i : e;
}

static dim lane_axis(attend_cx *x) { return dim_axis(x->k->dims, "i", x->n_block); }

/* What queries are multiplied by. */
static kx scale_of(const attend_cx *x) {
    kernel *k = x->k;
    const attr_attend *a = x->n->attrs;
    int64_t known;
    if (a->scale != 0) return kx_number(k, x->dt, a->scale);
    if (dim_is_const(k->dims, x->n_depth, &known)) return kx_number(k, x->dt, 1 / sqrt((double)known));
    kx depth = kx_cast(k, kx_index(k, x->n_depth), x->dt, true), one = kx_number(k, x->dt, 1);
    return op2(k, OP_div, one, kx_op(k, OP_sqrt, 1, &depth));
}

/* The loops around column d of query i, and the place in qt, on the CPU: i is panel and place in it. */
static dim push_queries(attend_cx *x, nest *s, dim d, dim to[3]) {
    dim_table *t = x->k->dims;
    dim w = dim_const(t, x->panel), panel = dim_axis(t, "p", dim_ceildiv(t, x->n_block, w)),
        before = dim_mul(t, panel, w);
    dim col = dim_axis(t, "c", dim_min(t, w, dim_sub(t, x->n_block, before)));
    nest_push(s, KL_SEQ, panel, 0, 0);
    push_lane(x, s, col);
    to[0] = panel, to[1] = d, to[2] = col;
    return dim_add(t, before, col);
}

/* The CPU: zeros in qt where the last vector of the block's queries has columns beyond them. */
static void clear_queries(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim_table *t = k->dims;
    dim w = dim_const(t, x->panel), lanes = dim_const(t, x->lanes);
    dim first = dim_mul(t, dim_floordiv(t, x->n_block, lanes), lanes);
    dim n = dim_sub(t, dim_mul(t, dim_ceildiv(t, x->n_block, lanes), lanes), first);
    if (dim_equal(t, n, dim_const(t, 0))) return;
    dim col = dim_axis(t, "z", n), d = dim_axis(t, "d", x->n_depth);
    dim to[3] = {dim_floordiv(t, first, w), d, dim_add(t, dim_mod(t, first, w), col)};
    nest s = {.k = k};
    klist body = {0};
    kstmt_store(k, &body, x->qt, to, kx_number(k, x->dt, 0), 0);
    push_lane(x, &s, col);
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
    if (x->is_cuda) {
        i = lane_axis(x);
        push_lane(x, &s, i);
        to[0] = d, to[1] = i;
    } else {
        clear_queries(x, l);
        i = push_queries(x, &s, d, to);
    }
    query_at(x, i, d, at);
    TRY(expand(x->e, x->n->in[0], at, 0, &q));
    q = kx_cast(k, q, x->dt, true);
    kstmt_store(k, &body, x->qt, to, op2(k, OP_mul, q, scale_of(x)), 0);
    nest_close(&s, body, l);
    return FRIT_OK;
}

static void emit_start(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim i = lane_axis(x), j = lane_axis(x), e = dim_axis(k->dims, "e", x->n_values);
    klist body = {0}, zero = {0};
    kstmt_store(k, &body, x->m, &i, kx_number(k, x->dt, -INFINITY), 0);
    kstmt_store(k, &body, x->l, &i, kx_number(k, x->dt, 0), 0);
    vec_queries(x, i, body, l);
    dim at[2];
    output_at(x, j, e, at);
    nest s = {.k = k};
    push_output(x, &s, j, e);
    kstmt_store(k, &zero, x->o_tile, at, kx_number(k, x->dt, 0), 0);
    nest_close(&s, zero, l);
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
    return KEYS * tile_lines / n_sets * LINE * SETS > x->o->t->l1_bytes;
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

/* Fills a tile with the block of K or V before the leaf: rows, or panels as wide as a register tile. */
static void place(attend_cx *x, klist *l, bool is_value, kx element, dim key, dim column, placed *out) {
    kernel *k = x->k;
    dim width = axis_extent(k, column), r = dim_axis(k->dims, "r", x->n_key_block);
    dim panel = dim_const(k->dims, target_tile_columns(x->o->t, dtype_bits(x->dt) / 8)), n_panels, to[3], leaf_at[3];
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
    push_lane(x, &s, c);
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
    key_at(x, dim_add(k->dims, x->key_base, key), column, at);
    TRY(expand(x->e, x->n->in[is_value ? 2 : 1], at, 0, &element));
    element = kx_cast(k, element, x->dt, true);
    bool is_direct = is_in_place(x, element, is_value, key, column, &row);
    if (is_direct && is_value && dim_is_const(k->dims, row, &apart))
        is_direct = !rows_collide(x, apart * bytes, target_tile_columns(x->o->t, (uint32_t)bytes) * bytes);
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

static const dim *two(kernel *k, dim a, dim b) {
    dim at[2] = {a, b};
    return arena_copy(k->a, at, sizeof at);
}

/* CUDA: to[own, i] = (start, or 0) + the sum over inner of left * right, one thread per i. left is element (key,
 * column) of operand v; inner is one of the two, the other is own. */
typedef struct dot {
    value_id v;
    dim own, inner;   /* axes of the loops */
    dim key, column;  /* the operand's row and column: own and inner in some order */
    buf_id right, to; /* right[inner, i], to[own, i] */
    kx scale;         /* what the old to[own, i] is multiplied by before it is added; 0: starts from zero */
} dot;

static frit_status emit_dot(attend_cx *x, klist *l, const dot *d, dim lane) {
    kernel *k = x->k;
    dim at[MAX_RANK], to[2] = {d->own, lane}, right[2] = {d->inner, lane}, zero = dim_const(k->dims, 0);
    kx left;
    nest lanes = {.k = k}, inner = {.k = k};
    klist body = {0}, step = {0};
    key_at(x, dim_add(k->dims, x->key_base, d->key), d->column, at);
    TRY(expand(x->e, d->v, at, 0, &left));
    kx old = kx_load(k, d->to, to, 0, 0), sum = kx_load(k, x->sum, &zero, 0, 0);
    kstmt_store(k, &body, x->sum, &zero, d->scale ? op2(k, OP_mul, old, d->scale) : kx_number(k, x->dt, 0), 0);
    kx terms[3] = {kx_cast(k, left, x->dt, true), kx_load(k, d->right, right, 0, 0), sum};
    kstmt_store(k, &step, x->sum, &zero, kx_op(k, OP_fma, 3, terms), 0);
    nest_push(&inner, KL_SEQ, d->inner, 0, 0);
    nest_close(&inner, step, &body);
    kstmt_store(k, &body, d->to, to, sum, 0);
    nest_push(&lanes, KL_SEQ, d->own, 0, 0);
    push_lane(x, &lanes, lane);
    nest_close(&lanes, body, l);
    return FRIT_OK;
}

/* s[j, i] = k[j, :] . qt[:, i] */
static frit_status emit_scores(attend_cx *x, klist *l) {
    kernel *k = x->k;
    if (x->is_cuda) {
        dot d = {.v = x->n->in[1], .right = x->qt, .to = x->s};
        d.own = d.key = dim_axis(k->dims, "j", x->n_key_block);
        d.inner = d.column = dim_axis(k->dims, "d", x->n_depth);
        return emit_dot(x, l, &d, lane_axis(x));
    }
    dim j = dim_axis(k->dims, "row", x->n_key_block), i = dim_axis(k->dims, "col", x->n_block);
    dim d = dim_axis(k->dims, "kk", x->n_depth);
    dim w = dim_const(k->dims, x->panel);
    const dim *b_at =
        arena_copy(k->a, ((dim[3]){dim_floordiv(k->dims, i, w), d, dim_mod(k->dims, i, w)}), 3 * sizeof(dim));
    placed keys;
    TRY(leaf_operand(x, l, false, j, d, &keys));
    kleaf *leaf = kstmt_leaf(k, l);
    *leaf = (kleaf){.c = x->s,
                    .a = keys.buf,
                    .b = x->qt,
                    .c_at = two(k, j, i),
                    .a_at = keys.at,
                    .b_at = b_at,
                    .b_panel = x->panel,
                    .row = axis_sym(k, j),
                    .col = axis_sym(k, i),
                    .kk = axis_sym(k, d),
                    .rows = x->n_key_block,
                    .cols = x->n_block,
                    .n_k = x->n_depth,
                    .max_cols = QUERIES,
                    .padded = x->lanes,
                    .a_walks = keys.is_in_place};
    return FRIT_OK;
}

/* The score after soft-cap, mask, causal order and window; -inf where excluded. */
static frit_status score(attend_cx *x, dim j, dim i, kx raw, kx *out) {
    kernel *k = x->k;
    dim_table *t = k->dims;
    const attr_attend *a = x->n->attrs;
    dim query = query_of(x, i), key = dim_add(t, x->key_base, j);
    kx minus_inf = kx_number(k, x->dt, -INFINITY), s = raw;
    if (a->softcap != 0) {
        kx cap = kx_number(k, x->dt, a->softcap), ratio = op2(k, OP_div, s, cap);
        s = op2(k, OP_mul, cap, kx_op(k, OP_tanh, 1, &ratio));
    }
    if (x->n->n_in > 3) {
        const tensor_type *mask = graph_type(x->e->f->g, x->n->in[3]);
        dim full[MAX_RANK], at[MAX_RANK];
        query_at(x, i, key, full);
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

/* CUDA: scores to weights, and the running maximum and sum of each query. */
static frit_status emit_softmax_cuda(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim i = lane_axis(x), j0 = dim_axis(k->dims, "j", x->n_key_block), j1 = dim_axis(k->dims, "j", x->n_key_block);
    dim at0[2] = {j0, i}, at1[2] = {j1, i};
    kx minus_inf = kx_number(k, x->dt, -INFINITY), zero = kx_number(k, x->dt, 0), one = kx_number(k, x->dt, 1), raw;
    klist body = {0}, sweep = {0};
    nest s = {.k = k};
    acc_id most = kernel_acc(k, "most", COMBINE_max, x->dt, 1), sum = kernel_acc(k, "sum", COMBINE_sum, x->dt, 1);
    kstmt_acc(k, &body, most);
    TRY(score(x, j0, i, kx_load(k, x->s, at0, 0, 0), &raw));
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
    vec_queries(x, i, body, l);
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
    dim i = lane_axis(x), j = dim_axis(k->dims, "j", x->n_key_block), at[2] = {j, i};
    kx one = kx_number(k, x->dt, 1), raw;
    klist body = {0}, sweep = {0};
    nest s = {.k = k};
    acc_id most = kernel_acc(k, "most", COMBINE_number_max, x->dt, 1);
    kstmt_acc(k, &body, most);
    TRY(score(x, j, i, kx_load(k, x->s, at, 0, 0), &raw));
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
    nest_push(&vec, KL_VEC, i, x->lanes, vectors_of_a_step(x, MAXIMA_UNROLL));
    nest_close(&vec, body, l);
    return FRIT_OK;
}

/* Scores to weights, and the running sum of each query. Where nothing was seen yet every score is -inf, or NaN. */
static void emit_weights(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim i = lane_axis(x), j = dim_axis(k->dims, "j", x->n_key_block), at[2] = {j, i};
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
    nest_push(&vec, KL_VEC, i, x->lanes, vectors_of_a_step(x, WEIGHTS_UNROLL));
    nest_close(&vec, body, l);
}

static frit_status emit_softmax(attend_cx *x, klist *l) {
    if (x->is_cuda) return emit_softmax_cuda(x, l);
    TRY(emit_maxima(x, l));
    emit_weights(x, l);
    return FRIT_OK;
}

/* o[i, e] = o[i, e] * alpha[i] + p[:, i] . v[:, e] */
static frit_status emit_values(attend_cx *x, klist *l) {
    kernel *k = x->k;
    if (x->is_cuda) {
        dim e = dim_axis(k->dims, "e", x->n_values), i = lane_axis(x);
        dot d = {.v = x->n->in[2], .right = x->s, .to = x->o_tile, .scale = kx_load(k, x->alpha, &i, 0, 0)};
        d.own = d.column = e;
        d.inner = d.key = dim_axis(k->dims, "j", x->n_key_block);
        return emit_dot(x, l, &d, i);
    }
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
                    .c_at = two(k, row, col),
                    .a_at = two(k, key, row),
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

/* alpha[i] = 1 / l[i], or 0 where nothing was summed. */
static void emit_inverse(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim i = lane_axis(x);
    klist body = {0};
    kx sum = kx_load(k, x->l, &i, 0, 0), zero = kx_number(k, x->dt, 0);
    kx inverse = pick(k, op2(k, OP_eq, sum, zero), zero, op2(k, OP_div, kx_number(k, x->dt, 1), sum));
    kstmt_store(k, &body, x->alpha, &i, inverse, 0);
    vec_queries(x, i, body, l);
}

static frit_status emit_result(attend_cx *x, klist *l) {
    kernel *k = x->k;
    dim i = lane_axis(x), e = dim_axis(k->dims, "e", x->n_values);
    const dim *axes = x->gr->axes + x->rank - 3;
    sym_id syms[3];
    dim by[3] = {query_of(x, i), e, head_of(x, i)};
    uint32_t n_syms = x->heads == 1 ? 2 : 3;
    for (uint32_t s = 0; s < n_syms; s++) syms[s] = axis_sym(k, axes[(s + 1) % 3]);
    nest s = {.k = k};
    klist body = {0};
    emit_inverse(x, l);
    push_output(x, &s, i, e);
    output_at(x, i, e, x->o_at);
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

static void make_tiles(attend_cx *x) {
    dim n = dim_const(x->k->dims, QUERIES), keys = dim_const(x->k->dims, KEYS);
    if (x->is_cuda) {
        x->qt = tile_of(x, "qt", 2, x->n_depth, n);
    } else {
        dim w = dim_const(x->k->dims, x->panel), shape[3] = {dim_ceildiv(x->k->dims, n, w), x->n_depth, w};
        x->qt = kernel_local(x->k, "qt", x->dt, KB_TILE, 3, arena_copy(x->k->a, shape, sizeof shape));
    }
    x->s = tile_of(x, "s", 2, keys, n);
    x->o_tile = x->is_cuda ? tile_of(x, "o", 2, x->n_values, n) : tile_of(x, "o", 2, n, x->n_values);
    x->m = tile_of(x, "m", 1, n, n);
    x->l = tile_of(x, "l", 1, n, n);
    x->alpha = tile_of(x, "alpha", 1, n, n);
    dim one = dim_const(x->k->dims, 1);
    if (x->is_cuda) x->sum = kernel_local(x->k, "sum", x->dt, KB_REG, 1, arena_copy(x->k->a, &one, sizeof one));
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

/* Which query heads share a block: those of a group where their number is known and leaves room for a query of each. */
static void group_heads(attend_cx *x, dim heads, dim key_heads) {
    dim_table *t = x->k->dims;
    dim head = x->gr->axes[x->rank - 3];
    int64_t n = 1;
    if (!dim_div_exact(t, heads, key_heads, &x->group_size)) x->group_size = dim_floordiv(t, heads, key_heads);
    bool is_grouped = dim_is_const(t, x->group_size, &n) && n > 1 && n <= QUERIES;
    x->heads = is_grouped ? n : 1;
    x->key_head = is_grouped ? dim_axis(t, "h", key_heads) : dim_floordiv(t, head, x->group_size);
}

frit_status tree_attend(expander *e, const lower_options *o) {
    const group *gr = &e->f->groups.at[e->group];
    const graph *g = e->f->g;
    kernel *k = e->k;
    dim_table *t = k->dims;
    attend_cx x = {
        .e = e, .o = o, .k = k, .gr = gr, .n = graph_node(g, gr->anchor), .is_cuda = o->t->kind == TARGET_CUDA};
    x.lanes = x.is_cuda ? QUERIES : o->t->vector_bytes / 4;
    const tensor_type *q = graph_type(g, x.n->in[0]), *key = graph_type(g, x.n->in[1]), *v = graph_type(g, x.n->in[2]);
    x.rank = q->rank;
    if (x.rank < 3) return FAIL(e->c, UNSUPPORTED, NULL, "attend of rank %u: needs a head axis", x.rank);
    x.dt = q->dt == FRIT_DT_F64 ? FRIT_DT_F64 : FRIT_DT_F32;
    x.n_queries = q->shape[x.rank - 2];
    x.n_depth = q->shape[x.rank - 1];
    x.n_keys = key->shape[x.rank - 2];
    x.n_values = v->shape[x.rank - 1];
    group_heads(&x, q->shape[x.rank - 3], key->shape[x.rank - 3]);
    dim n = dim_const(t, QUERIES / x.heads), keys = dim_const(t, KEYS);
    dim block = dim_axis(t, "ib", dim_ceildiv(t, x.n_queries, n));
    x.query_base = dim_mul(t, block, n);
    x.n_block = dim_mul(t, dim_min(t, n, dim_sub(t, x.n_queries, x.query_base)), dim_const(t, x.heads));
    dim key_block = dim_axis(t, "jb", key_blocks(&x, keys));
    x.key_base = dim_mul(t, key_block, keys);
    x.n_key_block = dim_min(t, keys, dim_sub(t, x.n_keys, x.key_base));
    x.panel = target_tile_columns(o->t, dtype_bits(x.dt) / 8);
    if (x.panel > QUERIES) x.panel = QUERIES;
    make_tiles(&x);
    klist body = {0}, step = {0}, top = {0};
    nest outer = {.k = k}, loop = {.k = k};
    for (uint32_t i = 0; i + 3 < x.rank; i++) nest_push(&outer, KL_PAR, gr->axes[i], 0, 0);
    nest_push(&outer, KL_PAR, x.heads == 1 ? gr->axes[x.rank - 3] : x.key_head, 0, 0);
    nest_push(&outer, KL_PAR, block, 0, 0);
    TRY(emit_queries(&x, &body));
    emit_start(&x, &body);
    TRY(emit_scores(&x, &step));
    TRY(emit_softmax(&x, &step));
    TRY(emit_values(&x, &step));
    nest_push(&loop, KL_SEQ, key_block, 0, 0);
    nest_close(&loop, step, &body);
    TRY(emit_result(&x, &body));
    nest_close(&outer, body, &top);
    vec_push(k->a, k->phases, top.first);
    k->schedule = (kschedule){.is_cuda = x.is_cuda,
                              .lanes = x.lanes,
                              .unroll = x.is_cuda ? 0 : 1,
                              .threads = x.is_cuda ? QUERIES : 0,
                              .tile_m = QUERIES,
                              .tile_n = KEYS};
    return FRIT_OK;
}
