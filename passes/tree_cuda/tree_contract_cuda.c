/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* CUDA's plain-thread loop tree of a contraction: a block of 256 threads computes 64 x 64 results, each thread 4 x 4 of
 * them.
 *
 *   par outer, column block, row block {
 *     thread t < 256 {
 *       c[4, 4] = 0 in registers
 *       seq kb {
 *         barrier; at[k, row], bt[k, col] = 16 x 64 elements of A and B, zero outside; barrier
 *         seq k < 16 { c[i, j] = fma(at[k, ty + 16 i], bt[k, tx + 16 j], c[i, j]) }
 *       }
 *       y[..] = epilogue(c[i, j]) where inside
 *     } }
 *
 * Every result is one chain in k order; the zeros behind the last k do not change it. */
#include "passes/tree/contract_parts.h"
#include "passes/tree_cuda/trees_cuda.h"

enum { THREADS = 256, TILE = 64, K_TILE = 16, SIDE = 4, LANES = TILE / SIDE };

typedef struct thread_cx {
    contract_cx *x;
    dim t, ty, tx;          /* thread, and its place in the 16 x 16 grid */
    dim row_base, col_base; /* first row and column of the block */
    buf_id at, bt, c;
    dim result_at[2]; /* index in c while the epilogue is expanded */
} thread_cx;

/* The flattened axes of x replaced by whole indices, for one use. */
static axis_map axes_at(const contract_cx *x, const dim *row, const dim *col, const dim *kk) {
    axis_map m = x->axes;
    sym_id syms[3];
    dim by[3];
    uint32_t n = 0;
    if (row) syms[n] = axis_sym(x->k, x->row), by[n++] = *row;
    if (col) syms[n] = axis_sym(x->k, x->col), by[n++] = *col;
    if (kk) syms[n] = axis_sym(x->k, x->kk), by[n++] = *kk;
    for (uint32_t i = 0; i < m.n_syms; i++) m.by[i] = dim_subst(x->k->dims, m.by[i], n, syms, by);
    return m;
}

/* One operand's element at whole indices, zero outside the matrix. */
static frit_status element(contract_cx *x, uint32_t operand_index, dim own, dim kk, kx *out) {
    bool is_b = operand_index == x->b_operand;
    dim zero = dim_const(x->k->dims, 0);
    kx guard =
        kx_and(x->k, kx_in_range(x->k, own, zero, is_b ? x->n_cols : x->n_rows), kx_in_range(x->k, kk, zero, x->n_k));
    axis_map kept = x->axes;
    operand result;
    x->axes = is_b ? axes_at(x, NULL, &own, &kk) : axes_at(x, &own, NULL, &kk);
    frit_status status = contract_operand(x, operand_index, guard, &result);
    x->axes = kept;
    TRY(status);
    kx parts[3] = {guard, result.x, kx_number(x->k, x->dt, 0)};
    bool is_load = x->k->exprs.at[result.x].kind == KX_LOAD;
    *out = !guard || is_load ? result.x : kx_op(x->k, OP_select, 3, parts);
    return FRIT_OK;
}

/* Fills a tile [K_TILE, TILE]: neighbouring threads take neighbouring columns, or k when that is contiguous in memory.
 */
static frit_status fill(thread_cx *s, klist *l, bool is_b, buf_id tile, dim k_base, bool k_first) {
    contract_cx *x = s->x;
    dim_table *t = x->k->dims;
    dim u = dim_axis(t, "u", dim_const(t, K_TILE * TILE / THREADS));
    dim e = dim_add(t, s->t, dim_mul(t, u, dim_const(t, THREADS)));
    dim width = dim_const(t, k_first ? K_TILE : TILE);
    dim inner = dim_mod(t, e, width), outer = dim_floordiv(t, e, width);
    dim k = k_first ? inner : outer, own = k_first ? outer : inner, at[2] = {k, own};
    kx value_at;
    nest unrolled = {.k = x->k};
    klist body = {0};
    dim whole = dim_add(t, is_b ? s->col_base : s->row_base, own);
    TRY(element(x, is_b ? x->b_operand : 1 - x->b_operand, whole, dim_add(t, k_base, k), &value_at));
    nest_push(&unrolled, KL_UNROLL, u, 0, 0);
    kstmt_store(x->k, &body, tile, at, value_at, 0);
    nest_close(&unrolled, body, l);
    return FRIT_OK;
}

/* unroll i, j over the thread's results around one store. */
static void each_result(thread_cx *s, klist *l, dim i, dim j, klist body) {
    nest n = {.k = s->x->k};
    nest_push(&n, KL_UNROLL, i, 0, 0);
    nest_push(&n, KL_UNROLL, j, 0, 0);
    nest_close(&n, body, l);
}

static void new_pair(thread_cx *s, dim *i, dim *j) {
    dim_table *t = s->x->k->dims;
    *i = dim_axis(t, "i", dim_const(t, SIDE));
    *j = dim_axis(t, "j", dim_const(t, SIDE));
}

static dim spread(dim_table *t, dim lane, dim i) { return dim_add(t, lane, dim_mul(t, i, dim_const(t, LANES))); }

static frit_status emit_products(thread_cx *s, klist *l) {
    contract_cx *x = s->x;
    kernel *k = x->k;
    dim_table *t = k->dims;
    dim i, j, n = dim_const(t, K_TILE);
    dim kb = dim_axis(t, "kb", dim_ceildiv(t, x->n_k, n)), kk = dim_axis(t, "kk", n), k_base = dim_mul(t, kb, n);
    nest grid = {.k = k}, steps = {.k = k};
    klist block = {0}, step = {0}, one = {0};
    kstmt_barrier(k, &block);
    TRY(fill(s, &block, false, s->at, k_base, true));
    TRY(fill(s, &block, true, s->bt, k_base, false));
    kstmt_barrier(k, &block);
    new_pair(s, &i, &j);
    dim a_at[2] = {kk, spread(t, s->ty, i)}, b_at[2] = {kk, spread(t, s->tx, j)}, c_at[2] = {i, j};
    kx a = kx_load(k, s->at, a_at, 0, 0), b = kx_load(k, s->bt, b_at, 0, 0), c = kx_load(k, s->c, c_at, 0, 0);
    kx sum;
    if (dtype_is_float(x->dt)) {
        kx args[3] = {a, b, c};
        sum = kx_op(k, OP_fma, 3, args);
    } else {
        kx product[2] = {a, b}, both[2] = {c, 0};
        both[1] = kx_op(k, OP_mul, 2, product);
        sum = kx_op(k, OP_add, 2, both);
    }
    kstmt_store(k, &one, s->c, c_at, sum, 0);
    each_result(s, &step, i, j, one);
    nest_push(&steps, KL_SEQ, kk, 0, 0);
    nest_close(&steps, step, &block);
    nest_push(&grid, KL_SEQ, kb, 0, 0);
    nest_close(&grid, block, l);
    return FRIT_OK;
}

static kx resolve_result(expander *e, value_id v, const dim *at, kx guard) {
    thread_cx *s = e->data;
    (void)at;
    (void)guard;
    return v == s->x->n->out ? kx_load(s->x->k, s->c, s->result_at, 0, 0) : 0;
}

static frit_status emit_results(thread_cx *s, klist *l) {
    contract_cx *x = s->x;
    kernel *k = x->k;
    dim_table *t = k->dims;
    dim i, j, zero = dim_const(t, 0);
    new_pair(s, &i, &j);
    dim row = dim_add(t, s->row_base, spread(t, s->ty, i)), col = dim_add(t, s->col_base, spread(t, s->tx, j));
    kx inside = kx_and(k, kx_in_range(k, row, zero, x->n_rows), kx_in_range(k, col, zero, x->n_cols));
    axis_map at_results = axes_at(x, &row, &col, NULL);
    klist stores = {0}, body = {0};
    s->result_at[0] = i;
    s->result_at[1] = j;
    x->e->resolve = resolve_result;
    x->e->data = s;
    x->e->memo = (map){.a = k->a};
    for (uint32_t o = 0; o < x->gr->outputs.n; o++) {
        value_id v = x->gr->outputs.at[o];
        dim at[MAX_RANK];
        kx y;
        for (uint32_t d = 0; d < graph_type(x->e->f->g, v)->rank; d++)
            at[d] = axis_map_dim(&at_results, x->e->f->index[v][d]);
        TRY(expand(x->e, v, at, 0, &y));
        expander_store(x->e, &stores, v, at, y, 0);
    }
    if (inside)
        klist_close(kstmt_if(k, &body, inside), &stores);
    else
        body = stores;
    each_result(s, l, i, j, body);
    return FRIT_OK;
}

static void emit_zero(thread_cx *s, klist *l) {
    dim i, j;
    klist body = {0};
    new_pair(s, &i, &j);
    dim at[2] = {i, j};
    kstmt_store(s->x->k, &body, s->c, at, kx_number(s->x->k, s->x->dt, 0), 0);
    each_result(s, l, i, j, body);
}

frit_status contract_thread_tree(contract_cx *x) {
    kernel *k = x->k;
    dim_table *t = k->dims;
    dim n = dim_const(t, TILE), lanes = dim_const(t, LANES), side = dim_const(t, SIDE);
    dim col_block = dim_axis(t, "jb", dim_ceildiv(t, x->n_cols, n)),
        row_block = dim_axis(t, "ib", dim_ceildiv(t, x->n_rows, n));
    thread_cx s = {.x = x, .t = dim_axis(t, "t", dim_const(t, THREADS))};
    s.ty = dim_floordiv(t, s.t, lanes);
    s.tx = dim_mod(t, s.t, lanes);
    s.row_base = dim_mul(t, row_block, n);
    s.col_base = dim_mul(t, col_block, n);
    dim tile[2] = {dim_const(t, K_TILE), n}, square[2] = {side, side};
    s.at = kernel_local(k, "at", x->dt, KB_TILE, 2, tile);
    s.bt = kernel_local(k, "bt", x->dt, KB_TILE, 2, tile);
    /* neighbouring threads fill a column of at: rows one longer than needed keep them in different banks */
    dim padded[2] = {dim_const(t, TILE + 1), dim_const(t, 1)};
    k->bufs.at[s.at].strides = arena_copy(k->a, padded, sizeof padded);
    s.c = kernel_local(k, "c", x->dt, KB_REG, 2, square);
    nest outer = {.k = k};
    klist body = {0}, top = {0};
    for (uint32_t i = 0; i < x->n_outer; i++) nest_push(&outer, KL_PAR, x->outer[i], 0, 0);
    nest_push(&outer, KL_PAR, col_block, 0, 0);
    nest_push(&outer, KL_PAR, row_block, 0, 0);
    nest_push(&outer, KL_THREAD, s.t, THREADS, 0);
    emit_zero(&s, &body);
    TRY(emit_products(&s, &body));
    TRY(emit_results(&s, &body));
    nest_close(&outer, body, &top);
    vec_push(k->a, k->phases, top.first);
    k->schedule = (kschedule){.is_cuda = true,
                              .threads = THREADS,
                              .tile_m = TILE,
                              .tile_n = TILE,
                              .tile_k = K_TILE,
                              .thread_m = SIDE,
                              .thread_n = SIDE};
    return FRIT_OK;
}
