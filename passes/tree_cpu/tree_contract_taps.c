/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The CPU's loop tree of a contraction whose A is an image: every output pixel is a row of A, but pixels lie apart by
 * strides, taps of the window begin elsewhere, and beyond the border there are zeros. A is read in place all the same:
 * the leaf computes where a row begins at each tap, and k is contiguous only within a tap.
 *
 *   par outer, column block, row block {
 *     for taps t0.. { for kb { leaf c (+)= a[row, tap, kk] where (inside) x packed[(tap, kk), col], taps of a block } }
 *     for row { vec col { y[..] = epilogue(c[row, col]) } } }
 *
 * Chains: within a tap they begin at multiples of K_BLOCK; of short taps as many follow each other in one chain as fit
 * in K_BLOCK steps. So the order depends on the summed extents alone, as in tree_contract_cpu.c. */
#include "passes/tree_cpu/tree_contract.h"

#include "ir/graph/view_index.h"

enum { LEAST_STEPS = 8, MOST_ZEROS = 8192 };

typedef struct taps {
    contract_cx *x;
    const pack_request *pack;
    dim tap, n_taps;       /* all outer axes of k as one; DIM_BAD and 1 when there are none */
    sym_id syms[MAX_RANK]; /* the outer axes of k ... */
    dim by[MAX_RANK];      /* ... as functions of tap */
    uint32_t n_syms;
    kx_node a;           /* the load of A, over row, tap and kk */
    int64_t n_kk, count; /* steps of a tap, taps */
} taps;

static bool is_constant(kernel *k, dim d, int64_t *out) { return dim_is_const(k->dims, d, out); }

/* All rows as one axis where the inner extents are constants (a row's place is then cheap to compute) or A stays
 * linear; else the innermost run of them, the others becoming outer. */
static void merge_axes(contract_cx *x, axis_map *m, const dim_set *accesses) {
    axis_map_merge(m, accesses, 1u << TAG_COL);
    bool is_cheap = true, has_met = false;
    for (uint32_t i = 0; i < m->n; i++) {
        if (m->runs[i].tag != TAG_ROW) continue;
        if (has_met) is_cheap = is_cheap && is_constant(x->k, m->runs[i].extent, NULL);
        has_met = true;
    }
    if (is_cheap) axis_map_merge(m, accesses, 1u << TAG_ROW | 1u << TAG_COL);
}

/* Names the runs: the last of rows, columns and k; other rows are outer, other k taps. */
static bool name_axes(taps *t) {
    contract_cx *x = t->x;
    dim_table *d = x->k->dims;
    dim runs[MAX_RANK], one = dim_const(d, 1);
    uint32_t n = 0, last_row = UINT32_MAX;
    x->n_outer = 0;
    x->row = x->col = x->kk = DIM_BAD;
    x->n_rows = x->n_cols = x->n_k = one;
    for (uint32_t i = 0; i < x->axes.n; i++)
        if (x->axes.runs[i].tag == TAG_ROW) last_row = i;
    for (uint32_t i = 0; i < x->axes.n; i++) {
        const axis_run *run = &x->axes.runs[i];
        if (run->tag == TAG_K) runs[n++] = run->axis;
        if (run->tag == TAG_COL) x->col = run->axis, x->n_cols = run->extent;
        if (i == last_row) x->row = run->axis, x->n_rows = run->extent;
        bool is_outer = run->tag == TAG_OUTER || (run->tag == TAG_ROW && i != last_row);
        if (is_outer) x->outer[x->n_outer++] = run->axis;
    }
    if (n == 0 || x->row == DIM_BAD || x->col == DIM_BAD) return false;
    x->kk = runs[n - 1];
    x->n_k = axis_extent(x->k, x->kk);
    t->n_taps = one;
    t->count = 1;
    for (uint32_t i = 0; i + 1 < n; i++) t->n_taps = dim_mul(d, t->n_taps, axis_extent(x->k, runs[i]));
    if (!is_constant(x->k, x->n_k, &t->n_kk) || !is_constant(x->k, t->n_taps, &t->count)) return false;
    t->tap = dim_axis(d, "t", t->n_taps);
    dim below = one;
    for (uint32_t i = n - 1; i-- > 0;) {
        dim extent = axis_extent(x->k, runs[i]), at = dim_floordiv(d, t->tap, below);
        t->syms[t->n_syms] = axis_sym(x->k, runs[i]);
        t->by[t->n_syms++] = i ? dim_mod(d, at, extent) : at;
        below = dim_mul(d, below, extent);
    }
    return true;
}

static void note_loaded(void *data, sym_id s) {
    const kernel *k = ((contract_cx *const *)data)[0]->k;
    bool **found = (bool **)data + 1;
    **found = **found || dim_sym_info(k->dims, s)->kind == SYM_LOADED;
}

static bool has_loaded(contract_cx *x, dim d) {
    bool found = false;
    struct {
        contract_cx *x;
        bool *found;
    } data = {x, &found};
    kx_visit_dim(x->k->dims, d, note_loaded, &data);
    return found;
}

/* Expands A over row, tap and kk; whether it is a load that the leaf takes. */
static frit_status read_a(taps *t, bool *out_fits) {
    contract_cx *x = t->x;
    kernel *k = x->k;
    *out_fits = false;
    TRY(contract_operand(x, 1 - x->b_operand, 0, &x->a));
    kx element = kx_subst(k, x->a.x, t->n_syms, t->syms, t->by, NULL, NULL);
    t->a = k->exprs.at[element];
    const kx_node *n = &t->a;
    if (n->kind != KX_LOAD || n->dt != x->a.dt) return FRIT_OK;
    dim offset = kbuf_offset(k, n->ref, n->at), stride, rest;
    int64_t step = 0;
    if (has_loaded(x, offset) || !dim_linear(k->dims, offset, axis_sym(k, x->kk), &stride, &rest)) return FRIT_OK;
    if (!is_constant(k, stride, &step) || dim_depends(k->dims, rest, axis_sym(k, x->col))) return FRIT_OK;
    if (n->pred) {
        kx_node fill = k->exprs.at[n->fill];
        bool is_zero = fill.kind == KX_CONST && fill.value.f == 0;
        bool is_row = !kx_depends(k, n->pred, axis_sym(k, x->kk)) && !kx_depends(k, n->pred, axis_sym(k, x->col));
        if (!is_zero || !is_row || step != 1 || t->n_kk > MOST_ZEROS) return FRIT_OK;
    }
    bool breaks_packs = x->k_pack > 1 && (step != 1 || t->n_kk % x->k_pack != 0);
    *out_fits = !breaks_packs && (t->n_kk >= LEAST_STEPS || t->count == 1);
    return FRIT_OK;
}

/* Whether A can be read so; on success x has the axes of this tree. Works on a kernel that is thrown away. */
static frit_status analyse(taps *t, const uint8_t *tags, bool *out_fits) {
    contract_cx *x = t->x;
    expander trial, *e = x->e;
    expander_init(&trial, e->c, e->f, kernel_new(e->k->a, "trial", e->k->dims), e->group);
    x->e = &trial;
    x->k = trial.k;
    dim at[MAX_RANK];
    dim_set accesses = {0};
    kx a;
    uint32_t side = 1 - x->b_operand;
    contract_operand_index(x->n, side, x->all_axes, at);
    TRY(expand(x->e, x->n->in[side], at, 0, &a));
    access_dims(x->k, a, &accesses);
    contract_add_axes(x, tags, &x->axes);
    merge_axes(x, &x->axes, &accesses);
    *out_fits = name_axes(t);
    if (*out_fits) TRY(read_a(t, out_fits));
    x->e = e;
    x->k = e->k;
    return FRIT_OK;
}

/* ---- the tree */

typedef struct tap_blocks {
    int64_t taps;            /* taps of one chain */
    dim block, base, n_taps; /* axis, first tap, how many */
} tap_blocks;

static void make_blocks(taps *t, blocks *b, tap_blocks *tb) {
    contract_cx *x = t->x;
    kernel *k = x->k;
    b->rows_first = false;
    b->rows = contract_rows_of_block(x, x->n_rows, contract_has_amx(x) ? AMX_ROWS : ROW_BLOCK);
    b->cols = PANEL;
    int64_t most = contract_has_amx(x) ? contract_steps_of(x, AMX_K_BYTES) : K_BLOCK;
    b->k = t->n_kk < most ? t->n_kk : most;
    b->row_block = contract_block_axis(k, "ib", x->n_rows, b->rows, &b->row_base, &b->n_rows);
    b->col_block = contract_block_axis(k, "jb", x->n_cols, b->cols, &b->col_base, &b->n_cols);
    b->k_block = contract_block_axis(k, "kb", x->n_k, b->k, &b->k_base, &b->n_k);
    tb->taps = t->n_kk < most ? most / t->n_kk : 1;
    if (tb->taps > t->count) tb->taps = t->count;
    tb->block = contract_block_axis(k, "tb", t->n_taps, tb->taps, &tb->base, &tb->n_taps);
}

static const dim *subst_list(kernel *k, uint32_t n, const dim *at, const sym_id *syms, const dim *by) {
    dim *out = ARENA_ARRAY(k->a, dim, n + 1u);
    for (uint32_t i = 0; i < n; i++) out[i] = dim_subst(k->dims, at[i], 3, syms, by);
    return out;
}

static void emit_leaf(taps *t, klist *l, const blocks *b, const tap_blocks *tb) {
    contract_cx *x = t->x;
    kernel *k = x->k;
    dim_table *d = k->dims;
    kleaf *leaf = kstmt_leaf(k, l);
    dim row = dim_axis(d, "row", b->n_rows), col = dim_axis(d, "col", b->n_cols), kk = dim_axis(d, "kk", b->n_k),
        tap = dim_axis(d, "tap", tb->n_taps);
    dim whole_tap = dim_add(d, tb->base, tap), whole_kk = dim_add(d, b->k_base, kk);
    const sym_id syms[3] = {axis_sym(k, x->row), axis_sym(k, t->tap), axis_sym(k, x->kk)};
    const dim by[3] = {dim_add(d, b->row_base, row), whole_tap, whole_kk};
    dim whole_k = dim_add(d, dim_mul(d, whole_tap, x->n_k), whole_kk);
    dim c_at[2] = {row, col};
    kx later[2] = {kx_op(k, OP_gt, 2, (kx[]){kx_index(k, tb->block), kx_index(k, dim_const(d, 0))}),
                   kx_op(k, OP_gt, 2, (kx[]){kx_index(k, b->k_block), kx_index(k, dim_const(d, 0))})};
    bool is_single = dim_is_const(d, tb->block, NULL) && dim_is_const(d, b->k_block, NULL);
    *leaf = (kleaf){.c = x->siblings[0].c_tile,
                    .a = t->a.ref,
                    .b = x->b.buf,
                    .c_at = arena_copy(k->a, c_at, sizeof c_at),
                    .a_at = subst_list(k, k->bufs.at[t->a.ref].rank, t->a.at, syms, by),
                    .b_at = contract_packed_at(x, t->pack, b->col_block, whole_k, col),
                    .row = axis_sym(k, row),
                    .col = axis_sym(k, col),
                    .kk = axis_sym(k, kk),
                    .rows = b->n_rows,
                    .cols = b->n_cols,
                    .n_k = b->n_k,
                    .max_cols = PANEL,
                    .k_pack = x->k_pack > 1 ? x->k_pack : 0,
                    .padded = x->t->vector_bytes / 4,
                    .b_streams = true,
                    .b_panel = contract_panel(t->pack),
                    .has_taps = true,
                    .tap = axis_sym(k, tap),
                    .n_taps = tb->n_taps};
    leaf->a_if = t->a.pred ? kx_subst(k, t->a.pred, 3, syms, by, NULL, NULL) : 0;
    leaf->accumulate_if = is_single ? 0 : kx_op(k, OP_or, 2, later);
}

frit_status contract_taps_tree(contract_cx *x, const pack_request *pack, const uint8_t *tags, bool *out_done) {
    contract_cx before = *x;
    taps t = {.x = x, .pack = pack};
    blocks b;
    tap_blocks tb;
    TRY(analyse(&t, tags, out_done));
    if (!*out_done) {
        *x = before;
        return FRIT_OK;
    }
    kernel *k = x->k;
    x->axes.k = k;
    bool fits;
    TRY(read_a(&t, &fits));
    make_blocks(&t, &b, &tb);
    TRY(contract_use_packed(x, pack));
    dim shape[2] = {dim_const(k->dims, b.rows), dim_const(k->dims, PANEL)};
    x->siblings[0].c_tile = kernel_local(k, "c", x->dt, KB_TILE, 2, arena_copy(k->a, shape, sizeof shape));
    nest s = {.k = k}, steps = {.k = k};
    klist body = {0}, leaf = {0}, top = {0};
    for (uint32_t i = 0; i < x->n_outer; i++) nest_push(&s, KL_PAR, x->outer[i], 0, 0);
    contract_push_blocks(&s, &b, pack);
    nest_push(&steps, KL_SEQ, tb.block, 0, 0);
    nest_push(&steps, KL_SEQ, b.k_block, 0, 0);
    emit_leaf(&t, &leaf, &b, &tb);
    nest_close(&steps, leaf, &body);
    TRY(contract_epilogue(x, &body, &b));
    nest_close(&s, body, &top);
    vec_push(k->a, k->phases, top.first);
    k->schedule = (kschedule){.lanes = x->t->vector_bytes / 4,
                              .tile_m = (uint32_t)b.rows,
                              .tile_n = PANEL,
                              .tile_k = (uint32_t)(b.k * tb.taps)};
    return FRIT_OK;
}
