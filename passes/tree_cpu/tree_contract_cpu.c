/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The CPU's loop tree of a contraction: blocks of rows and columns through the matrix leaf, then the epilogue.
 *
 *   par outer, column block, row block {
 *     for kb { [tile at = A]; [tile bt = B]; leaf c (+)= at x bt over kb's k, in k order }
 *     for row { vec col { y[..] = epilogue(c[row, col]) } } }
 *
 * Every output is a sum of chains: one chain of fused multiply-adds per block of K_BLOCK steps at absolute multiples of
 * it, the blocks added in order. That depends on k alone, so neither M nor threads nor the blocking of rows and columns
 * change a bit; and rounding grows with the length of a block and the number of blocks, not with their product. */
#include "passes/tree_cpu/tree_contract.h"

#include "passes/tree/terms.h"

enum { ROW_BLOCK_PLACED = 192, ROW_TILE = 6, STORE_UNROLL = 4, CACHED_B = 512 << 10, LEAST_ROWS = 24 };

uint32_t contract_panel(const pack_request *r) {
    return r->n_cols > r->panel && r->panel < PANEL ? (uint32_t)r->panel : 0;
}

const dim *contract_packed_at(const contract_cx *x, const pack_request *r, dim block, dim kk, dim col) {
    dim_table *t = x->k->dims;
    dim by = dim_const(t, x->k_pack), *at = ARENA_ARRAY(x->k->a, dim, 4);
    at[0] = block;
    at[1] = dim_floordiv(t, kk, by);
    at[2] = col;
    at[3] = dim_mod(t, kk, by);
    if (!contract_panel(r)) return at;
    dim panel = dim_const(t, r->panel);
    at[0] = dim_add(t, dim_mul(t, block, dim_const(t, PANEL / r->panel)), dim_floordiv(t, col, panel));
    at[2] = dim_mod(t, col, panel);
    return at;
}

frit_status contract_use_packed(contract_cx *x, const pack_request *r) {
    kernel *k = x->k;
    dim shape[4];
    for (uint32_t i = 0; i < x->n_siblings; i++) {
        sibling *p = &x->siblings[i];
        pack_request own = *r;
        if (i > 0) own.data = graph_const(x->e->f->g, p->n->in[x->b_operand]);
        const const_data *packed = pack_panels(x->e->c->job, &own);
        uint32_t rank = packed->dims.n;
        for (uint32_t d = 0; d < rank; d++) shape[d] = dim_const(k->dims, packed->dims.at[d]);
        p->b = expander_packed(x->e, packed, rank, arena_copy(k->a, shape, sizeof shape));
    }
    x->b.buf = x->siblings[0].b;
    return FRIT_OK;
}

dim contract_block_axis(kernel *k, const char *name, dim extent, int64_t size, dim *out_base, dim *out_n) {
    dim_table *t = k->dims;
    dim n = dim_const(t, size);
    if (dim_le(t, extent, n)) {
        *out_base = dim_const(t, 0);
        *out_n = extent;
        return dim_const(t, 0);
    }
    dim axis = dim_axis(t, name, dim_ceildiv(t, extent, n));
    *out_base = dim_mul(t, axis, n);
    *out_n = dim_divides(t, n, extent) ? n : dim_min(t, n, dim_sub(t, extent, *out_base));
    return axis;
}

static int64_t upper(kernel *k, dim d, int64_t cap) {
    int64_t lo, hi;
    dim_bounds(k->dims, d, &lo, &hi);
    return hi < cap ? (hi > 0 ? hi : 1) : cap;
}

int64_t contract_rows_of_block(const contract_cx *x, dim n_rows, int64_t most) {
    int64_t lo, hi, tile = contract_has_amx(x) ? AMX_ROWS : ROW_TILE;
    dim_bounds(x->k->dims, n_rows, &lo, &hi);
    if (lo != hi || hi < 1) return hi < most ? (hi > 1 ? hi : 1) : most;
    int64_t n = (hi + most - 1) / most, each = (hi + n - 1) / n;
    return (each + tile - 1) / tile * tile < hi ? (each + tile - 1) / tile * tile : hi;
}

static int64_t packed_bytes(const pack_request *r) {
    return r->n_k * r->n_cols * (int64_t)(dtype_bits(r->data->dt) / 8);
}

void contract_push_blocks(nest *s, const blocks *b, const pack_request *pack) {
    bool b_stays = pack && packed_bytes(pack) <= CACHED_B;
    bool rows_first = b_stays || b->rows_first;
    nest_push(s, KL_PAR, rows_first ? b->row_block : b->col_block, 0, 0);
    nest_push(s, KL_PAR, rows_first ? b->col_block : b->row_block, 0, 0);
}

/* Where A is larger than the second-level cache it would be read anew for every block of columns, in short pieces of
 * its rows: then as many of its rows as half of that cache holds stay there while all of packed B, which is one run of
 * memory, streams past. 0: it is not so large, or unknown. */
static int64_t rows_that_stay(contract_cx *x, const pack_request *pack) {
    int64_t lo, rows, of_row = pack->n_k * (int64_t)(dtype_bits(pack->data->dt) / 8), cache = x->t->l2_bytes;
    dim_bounds(x->k->dims, x->n_rows, &lo, &rows);
    if (lo != rows || of_row < 1 || rows < cache / of_row) return 0;
    int64_t most = cache / 2 / of_row;
    return most < LEAST_ROWS ? 0 : most < ROW_BLOCK ? most : ROW_BLOCK;
}

/* Cuts a block of rows into parts of whole tiles of AMX. */
static void part_rows(contract_cx *x, blocks *b) {
    dim_table *t = x->k->dims;
    dim base, n;
    b->row_part = dim_const(t, 0);
    if (!contract_has_amx(x) || !x->is_packed || b->rows <= AMX_ROWS) return;
    b->row_part = contract_block_axis(x->k, "part", b->n_rows, AMX_ROWS, &base, &n);
    b->row_base = dim_add(t, b->row_base, base);
    b->n_rows = n;
    b->rows = AMX_ROWS;
}

/* The blocks of k. Where k may be empty there is one all the same, of no steps: the leaf has to write zeros. */
static void make_k_blocks(contract_cx *x, blocks *b) {
    dim_table *t = x->k->dims;
    dim size = dim_const(t, b->k), one = dim_const(t, 1);
    if (dim_le(t, one, x->n_k) || dim_le(t, x->n_k, size)) {
        b->k_block = contract_block_axis(x->k, "kb", x->n_k, b->k, &b->k_base, &b->n_k);
        return;
    }
    b->k_block = dim_axis(t, "kb", dim_max(t, dim_ceildiv(t, x->n_k, size), one));
    b->k_base = dim_mul(t, b->k_block, size);
    b->n_k = dim_min(t, size, dim_sub(t, x->n_k, b->k_base));
}

static void make_blocks(contract_cx *x, blocks *b, const pack_request *pack) {
    kernel *k = x->k;
    int64_t staying = x->is_packed ? rows_that_stay(x, pack) : 0;
    b->rows_first = staying > 0;
    int64_t most = contract_has_amx(x) ? AMX_ROW_BLOCK : ROW_BLOCK;
    if (!x->b.is_direct) most = ROW_BLOCK_PLACED;
    b->rows = contract_rows_of_block(x, x->n_rows, staying ? staying : most);
    b->cols = PANEL;
    b->k = upper(k, x->n_k, contract_has_amx(x) ? contract_steps_of(x, AMX_K_BYTES) : K_BLOCK);
    b->row_block = contract_block_axis(k, "ib", x->n_rows, b->rows, &b->row_base, &b->n_rows);
    part_rows(x, b);
    b->col_block = contract_block_axis(k, "jb", x->n_cols, b->cols, &b->col_base, &b->n_cols);
    make_k_blocks(x, b);
}

/* x with the flattened row, col and kk replaced by base + local. */
static kx localise(contract_cx *x, kx whole, const dim *row, const dim *col, const dim *kk) {
    sym_id syms[3];
    dim by[3];
    uint32_t n = 0;
    if (row) syms[n] = axis_sym(x->k, x->row), by[n++] = *row;
    if (col) syms[n] = axis_sym(x->k, x->col), by[n++] = *col;
    if (kk) syms[n] = axis_sym(x->k, x->kk), by[n++] = *kk;
    return kx_subst(x->k, whole, n, syms, by, NULL, NULL);
}

/* Fills tile[outer axis][lane axis], the lane axis along the vectors. */
static void fill_tile(contract_cx *x, klist *l, buf_id tile, dim seq_n, dim vec_n,
                      kx (*element)(contract_cx *, const blocks *, dim, dim), const blocks *b) {
    kernel *k = x->k;
    dim seq = dim_axis(k->dims, "r", seq_n), vec = dim_axis(k->dims, "c", vec_n);
    nest s = {.k = k};
    klist body = {0};
    dim at[2] = {seq, vec};
    nest_push(&s, KL_SEQ, seq, 0, 0);
    nest_push(&s, KL_VEC, vec, x->t->vector_bytes / 4, x->fill_unroll);
    kstmt_store(k, &body, tile, at, element(x, b, seq, vec), 0);
    nest_close(&s, body, l);
}

static buf_id local_tile(contract_cx *x, const char *name, dtype dt, uint32_t rank, const int64_t *sizes) {
    dim shape[MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) shape[i] = dim_const(x->k->dims, sizes[i]);
    return kernel_local(x->k, name, dt, KB_TILE, rank, arena_copy(x->k->a, shape, rank * sizeof *shape));
}

static kx a_value(contract_cx *x, const blocks *b, dim row, dim kk) {
    dim r = dim_add(x->k->dims, b->row_base, row), k = dim_add(x->k->dims, b->k_base, kk);
    return localise(x, x->a.x, &r, NULL, &k);
}

static kx b_value(contract_cx *x, const blocks *b, dim kk, dim col) {
    dim c = dim_add(x->k->dims, b->col_base, col), k = dim_add(x->k->dims, b->k_base, kk);
    return localise(x, x->b.x, NULL, &c, &k);
}

static int64_t whole_packs(const contract_cx *x, int64_t k) { return (k + x->k_pack - 1) / x->k_pack; }

/* Steps of k between the last one and the end of its pack. */
static dim behind_k(const contract_cx *x, const blocks *b) {
    dim_table *t = x->k->dims;
    dim by = dim_const(t, x->k_pack);
    return dim_sub(t, dim_mul(t, dim_ceildiv(t, b->n_k, by), by), b->n_k);
}

/* A block of A by rows, zero between the last step of k and the end of its pack. */
static buf_id place_a(contract_cx *x, klist *l, const blocks *b) {
    kernel *k = x->k;
    dim_table *t = k->dims;
    buf_id tile = local_tile(x, "at", x->a.dt, 2, (int64_t[]){b->rows, whole_packs(x, b->k) * x->k_pack});
    fill_tile(x, l, tile, b->n_rows, b->n_k, a_value, b);
    if (dim_divides(t, dim_const(t, x->k_pack), b->n_k)) return tile;
    dim extra = dim_axis(t, "z", behind_k(x, b)), row = dim_axis(t, "zr", b->n_rows);
    dim at[2] = {row, dim_add(t, b->n_k, extra)};
    nest s = {.k = k};
    klist body = {0};
    nest_push(&s, KL_SEQ, row, 0, 0);
    nest_push(&s, KL_SEQ, extra, 0, 0);
    kstmt_store(k, &body, tile, at, kx_number(k, x->a.dt, 0), 0);
    nest_close(&s, body, l);
    return tile;
}

/* A block of B as [packs][columns][steps of a pack], zero behind the last step of k. */
static buf_id place_b_packs(contract_cx *x, klist *l, const blocks *b) {
    kernel *k = x->k;
    dim_table *t = k->dims;
    dim by = dim_const(t, x->k_pack), row = dim_axis(t, "r", b->n_k), col = dim_axis(t, "c", b->n_cols);
    buf_id tile = local_tile(x, "bt", x->b.dt, 3, (int64_t[]){whole_packs(x, b->k), b->cols, x->k_pack});
    nest s = {.k = k}, behind = {.k = k};
    klist body = {0}, zeros = {0};
    dim at[3] = {dim_floordiv(t, row, by), col, dim_mod(t, row, by)};
    nest_push(&s, KL_SEQ, row, 0, 0);
    nest_push(&s, KL_VEC, col, x->t->vector_bytes / 4, 1);
    kstmt_store(k, &body, tile, at, b_value(x, b, row, col), 0);
    nest_close(&s, body, l);
    if (dim_divides(t, by, b->n_k)) return tile;
    dim extra = dim_axis(t, "z", behind_k(x, b)), zero_col = dim_axis(t, "zc", dim_const(t, b->cols));
    row = dim_add(t, b->n_k, extra);
    dim zero_at[3] = {dim_floordiv(t, row, by), zero_col, dim_mod(t, row, by)};
    nest_push(&behind, KL_SEQ, extra, 0, 0);
    nest_push(&behind, KL_VEC, zero_col, x->t->vector_bytes / 4, 1);
    kstmt_store(k, &zeros, tile, zero_at, kx_number(k, x->b.dt, 0), 0);
    nest_close(&behind, zeros, l);
    return tile;
}

/* Fills a tile of weights with a run of steps, over which scales and zero points stay the same, inside the columns:
 * they are then read and converted once for a run. Not done: there is no such run, or blocks of k end within one. */
static bool fill_by_runs(contract_cx *x, klist *l, buf_id tile, dim n_cols, const blocks *b) {
    kernel *k = x->k;
    dim_table *t = k->dims;
    int64_t size = x->weights_run < b->k ? x->weights_run : b->k;
    dim run = dim_const(t, size);
    if (size < 2 || !dim_divides(t, run, b->n_k)) return false;
    dim runs = dim_axis(t, "run", dim_floordiv(t, b->n_k, run)), col = dim_axis(t, "c", n_cols),
        step = dim_axis(t, "r", run);
    dim row = dim_add(t, dim_mul(t, runs, run), step), at[2] = {row, col};
    nest s = {.k = k};
    klist body = {0};
    nest_push(&s, KL_SEQ, runs, 0, 0);
    nest_push(&s, KL_VEC, col, x->t->vector_bytes / 4, x->fill_unroll);
    nest_push(&s, KL_SEQ, step, 0, 0);
    kstmt_store(k, &body, tile, at, b_value(x, b, row, col), 0);
    nest_close(&s, body, l);
    return true;
}

/* Zeros in the tile of B where the last vector of columns has some beyond those of the block: blocks of k fill in the
 * others, so once for all of them will do. */
static void clear_columns(contract_cx *x, klist *l, buf_id tile, const blocks *b) {
    kernel *k = x->k;
    dim_table *t = k->dims;
    dim lanes = dim_const(t, x->t->vector_bytes / 4), by = dim_const(t, x->k_pack), zero = dim_const(t, 0);
    dim first = dim_mul(t, dim_floordiv(t, b->n_cols, lanes), lanes);
    dim n = dim_sub(t, dim_mul(t, dim_ceildiv(t, b->n_cols, lanes), lanes), first);
    if (dim_equal(t, n, zero)) return;
    dim n_rows = dim_ceildiv(t, dim_min(t, x->n_k, dim_const(t, b->k)), by);
    dim element = dim_axis(t, "z", dim_mul(t, n, by)), row = dim_axis(t, "r", n_rows);
    dim col = dim_floordiv(t, element, by), at[3] = {row, dim_add(t, first, col)};
    at[2] = dim_sub(t, element, dim_mul(t, col, by)); /* so written, places are linear in element */
    nest s = {.k = k};
    klist body = {0};
    kstmt_store(k, &body, tile, at, kx_number(k, x->b.dt, 0), 0);
    nest_push(&s, KL_VEC, element, x->t->vector_bytes / 4, 1);
    nest_push(&s, KL_SEQ, row, 0, 0);
    nest_close(&s, body, l);
}

static buf_id place_b(contract_cx *x, klist *l, const blocks *b) {
    if (x->k_pack > 1) return place_b_packs(x, l, b);
    buf_id tile = local_tile(x, "bt", x->b.dt, 2, (int64_t[]){b->k, b->cols});
    /* Packed weights have whole blocks of columns, so that no vector needs a mask. */
    dim n_cols = x->has_weights ? dim_const(x->k->dims, b->cols) : b->n_cols;
    if (x->has_weights && fill_by_runs(x, l, tile, n_cols, b)) return tile;
    fill_tile(x, l, tile, b->n_k, n_cols, b_value, b);
    return tile;
}

static const dim *localise_at(contract_cx *x, const operand *op, const dim *own_from, dim own_to, dim kk) {
    uint32_t rank = x->k->bufs.at[op->buf].rank;
    dim *at = ARENA_ARRAY(x->k->a, dim, rank + 1u);
    sym_id syms[2] = {axis_sym(x->k, x->kk), axis_sym(x->k, *own_from)};
    dim by[2] = {kk, own_to};
    for (uint32_t i = 0; i < rank; i++) at[i] = dim_subst(x->k->dims, op->at[i], 2, syms, by);
    return at;
}

static const dim *pack_place(const contract_cx *x, dim kk, dim col) {
    dim_table *t = x->k->dims;
    dim by = dim_const(t, x->k_pack);
    dim at[3] = {dim_floordiv(t, kk, by), col, dim_mod(t, kk, by)};
    return arena_copy(x->k->a, at, sizeof at);
}

/* Whether the leaf is to bring its next block of b from memory. With AMX a prefetch costs as much as multiplying:
 * only where rows are few, so that each block is read once, and b does not stay in the cache. */
static bool b_streams(const contract_cx *x, const pack_request *pack) {
    int64_t lo, rows;
    if (!contract_has_amx(x)) return true;
    dim_bounds(x->k->dims, x->n_rows, &lo, &rows);
    return rows <= 2 * AMX_ROWS && packed_bytes(pack) > x->t->l2_bytes / 2;
}

/* before: what comes before all blocks of k. */
static void emit_leaf(contract_cx *x, klist *before, klist *l, const blocks *b, const pack_request *pack) {
    kernel *k = x->k;
    dim_table *t = k->dims;
    buf_id at = KID_NONE, bt = KID_NONE;
    if (!x->a.is_direct) at = place_a(x, l, b);
    if (!x->b.is_direct) bt = place_b(x, l, b);
    if (bt != KID_NONE && !x->has_weights) clear_columns(x, before, bt, b);
    kleaf *leaf = kstmt_leaf(k, l);
    dim row = dim_axis(t, "row", b->n_rows), col = dim_axis(t, "col", b->n_cols), kk = dim_axis(t, "kk", b->n_k);
    dim whole_k = dim_add(t, b->k_base, kk);
    leaf->row = axis_sym(k, row);
    leaf->col = axis_sym(k, col);
    leaf->kk = axis_sym(k, kk);
    leaf->rows = b->n_rows;
    leaf->cols = b->n_cols;
    leaf->n_k = b->n_k;
    leaf->max_cols = PANEL;
    leaf->padded = x->is_packed || bt != KID_NONE ? x->t->vector_bytes / 4 : 0;
    leaf->b_streams = x->is_packed && b_streams(x, pack);
    leaf->b_panel = x->is_packed ? contract_panel(pack) : 0;
    leaf->c = x->siblings[0].c_tile;
    leaf->c_at = index_list(k, 2, (dim[]){row, col});
    leaf->a = x->a.is_direct ? x->a.buf : at;
    leaf->a_at = x->a.is_direct ? localise_at(x, &x->a, &x->row, dim_add(t, b->row_base, row), whole_k)
                                : index_list(k, 2, (dim[]){row, kk});
    leaf->b = x->b.is_direct ? x->b.buf : bt;
    if (x->is_packed)
        leaf->b_at = contract_packed_at(x, pack, b->col_block, whole_k, col);
    else if (x->b.is_direct)
        leaf->b_at = localise_at(x, &x->b, &x->col, dim_add(t, b->col_base, col), whole_k);
    else
        leaf->b_at = x->k_pack > 1 ? pack_place(x, kk, col) : index_list(k, 2, (dim[]){kk, col});
    leaf->k_pack = x->k_pack > 1 ? x->k_pack : 0;
    kx cond[2] = {kx_index(k, b->k_block), kx_index(k, dim_const(t, 0))};
    bool is_single = dim_le(t, x->n_k, dim_const(t, b->k));
    leaf->accumulate = false;
    leaf->accumulate_if = is_single ? 0 : kx_op(k, OP_gt, 2, cond);
    for (uint32_t i = 1; i < x->n_siblings; i++) { /* siblings differ in what is packed, not in how */
        kleaf *next = kstmt_leaf(k, l);
        *next = *leaf;
        next->b = x->siblings[i].b;
        next->c = x->siblings[i].c_tile;
    }
}

static kx resolve_result(expander *e, value_id v, const dim *at, kx guard) {
    contract_cx *x = e->data;
    (void)at;
    (void)guard;
    for (uint32_t i = 0; i < x->n_siblings; i++)
        if (v == x->siblings[i].n->out) return kx_load(x->k, x->siblings[i].c_tile, x->c_at, 0, 0);
    return 0;
}

frit_status contract_epilogue(contract_cx *x, klist *l, const blocks *b) {
    kernel *k = x->k;
    dim row = dim_axis(k->dims, "i", b->n_rows), col = dim_axis(k->dims, "j", b->n_cols);
    dim whole_row = dim_add(k->dims, b->row_base, row), whole_col = dim_add(k->dims, b->col_base, col);
    sym_id syms[2] = {axis_sym(k, x->row), axis_sym(k, x->col)};
    dim by[2] = {whole_row, whole_col};
    nest s = {.k = k};
    klist body = {0};
    nest_push(&s, KL_SEQ, row, 0, 0);
    nest_push(&s, KL_VEC, col, x->t->vector_bytes / 4, STORE_UNROLL);
    x->c_at[0] = row;
    x->c_at[1] = col;
    x->e->resolve = resolve_result;
    x->e->data = x;
    x->e->memo = (map){.a = k->a};
    for (uint32_t i = 0; i < x->gr->outputs.n; i++) {
        value_id v = x->gr->outputs.at[i];
        dim at[MAX_RANK];
        kx y;
        for (uint32_t j = 0; j < graph_type(x->e->f->g, v)->rank; j++)
            at[j] = dim_subst(k->dims, axis_map_dim(&x->axes, x->e->f->index[v][j]), 2, syms, by);
        TRY(expand(x->e, v, at, 0, &y));
        expander_store(x->e, &body, v, at, y, 0);
    }
    nest_close(&s, body, l);
    return FRIT_OK;
}

/* Expands both operands for good: A, and B where it is not packed. */
static frit_status read_operands(contract_cx *x) {
    TRY(contract_operand(x, 1 - x->b_operand, 0, &x->a));
    contract_find_direct(x, &x->a, x->row, false);
    x->b.is_direct = x->is_packed;
    if (x->has_weights) return contract_weights(x, false, &x->has_weights);
    if (x->is_packed) return FRIT_OK;
    TRY(contract_operand(x, x->b_operand, 0, &x->b));
    contract_find_direct(x, &x->b, x->col, true);
    return FRIT_OK;
}

frit_status contract_leaf_tree(contract_cx *x, const pack_request *pack) {
    kernel *k = x->k;
    blocks b;
    TRY(read_operands(x));
    make_blocks(x, &b, pack);
    if (x->is_packed) TRY(contract_use_packed(x, pack));
    dim shape[2] = {dim_const(k->dims, b.rows), dim_const(k->dims, PANEL)};
    for (uint32_t i = 0; i < x->n_siblings; i++)
        x->siblings[i].c_tile = kernel_local(k, "c", x->dt, KB_TILE, 2, arena_copy(k->a, shape, sizeof shape));
    nest s = {.k = k}, k_loop = {.k = k};
    klist body = {0}, k_body = {0}, top = {0};
    for (uint32_t i = 0; i < x->n_outer; i++) nest_push(&s, KL_PAR, x->outer[i], 0, 0);
    contract_push_blocks(&s, &b, x->is_packed ? pack : NULL);
    nest_push(&s, KL_SEQ, b.row_part, 0, 0);
    nest_push(&k_loop, KL_SEQ, b.k_block, 0, 0);
    emit_leaf(x, &body, &k_body, &b, pack);
    nest_close(&k_loop, k_body, &body);
    TRY(contract_epilogue(x, &body, &b));
    nest_close(&s, body, &top);
    vec_push(k->a, k->phases, top.first);
    k->schedule = (kschedule){.lanes = x->t->vector_bytes / 4,
                              .unroll = STORE_UNROLL,
                              .tile_m = (uint32_t)b.rows,
                              .tile_n = PANEL,
                              .tile_k = (uint32_t)b.k};
    return FRIT_OK;
}
