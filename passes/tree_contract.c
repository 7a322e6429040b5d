/* Loop tree of a CONTRACT group: acc[rows, cols] = sum over k of A * B through the matrix micro-kernel, then the
 * epilogue.
 *
 * The columns are the trailing axes of the result that only one operand has; that operand is B (read along its
 * vectors), the other is A (read as broadcasts). So a matmul has its N as columns and a convolution in NCHW its pixels,
 * with the weights as A. Axes of each kind are flattened; an operand that is then a plain load, linear in its axes, is
 * read in place, a constant B is packed while compiling, anything else (padding, casts, gathers) is placed in a tile a
 * block at a time.
 *
 *   par outer, column block, row block {
 *     for kb { [tile at = A]; [tile bt = B]; leaf c (+)= at x bt over kb's k, in k order }
 *     for row { vec col { y[..] = epilogue(c[row, col]) } } }
 *
 * Every output is one chain of fused multiply-adds in k order: blocks of k continue it, so blocking never changes bits.
 */
#include "passes/lower.h"

#include <string.h>

enum { PANEL = 64, ROW_BLOCK = 96, ROW_BLOCK_PLACED = 192, K_BLOCK = 512, MIN_COLS = 4, STORE_UNROLL = 4 };

enum side { SIDE_A = 1, SIDE_B = 2 };

typedef struct operand {
    kx x; /* value over the flattened axes */
    bool is_direct;
    buf_id buf;
    const dim *at; /* index of buf */
    dim k_coeff, own_coeff, rest;
} operand;

typedef struct contract_cx {
    expander *e;
    const tree_options *o;
    kernel *k;
    const group *gr;
    const node *n;
    axis_map axes;           /* rows, cols and k flattened to one run each; outer axes as they are */
    dim row, col, kk;        /* flattened axes (over whole extents) */
    dim n_rows, n_cols, n_k; /* their extents */
    uint32_t n_outer;
    dim outer[MAX_RANK];
    operand a, b;
    dtype dt;
    buf_id c_tile;
    dim c_at[2]; /* index in the C tile during the epilogue */
    bool is_packed;
    dim panel_col; /* column within a packed panel */
} contract_cx;

void contract_operand_index(const graph *g, const node *n, uint32_t i, const dim *axes, dim *out) {
    const attr_contract *a = n->attrs;
    const char *labels = i ? a->rhs : a->lhs;
    size_t n_out = strlen(a->out);
    for (uint32_t j = 0; labels[j]; j++) {
        const char *in_out = strchr(a->out, labels[j]);
        uint32_t place = 0;
        if (in_out)
            place = (uint32_t)(in_out - a->out);
        else {
            uint32_t summed = 0;
            for (const char *l = a->lhs; *l && *l != labels[j]; l++) summed += !strchr(a->out, *l);
            place = (uint32_t)n_out + summed;
        }
        out[j] = axes[place];
    }
    (void)g;
}

/* Which operands have label l. */
static unsigned sides_of(const attr_contract *a, char l) {
    return (strchr(a->lhs, l) ? 1u : 0u) | (strchr(a->rhs, l) ? 2u : 0u);
}

/* All axes of the contraction: those of the result, then one fresh axis per summed label. */
static uint32_t contract_axes(contract_cx *x, dim *out) {
    const attr_contract *a = x->n->attrs;
    uint32_t n = 0;
    for (; n < x->gr->rank; n++) out[n] = x->gr->axes[n];
    for (uint32_t i = 0; a->lhs[i]; i++)
        if (!strchr(a->out, a->lhs[i]))
            out[n++] = dim_axis(x->k->dims, "k", graph_type(x->e->f->g, x->n->in[0])->shape[i]);
    return n;
}

enum tag { TAG_OUTER, TAG_ROW, TAG_COL, TAG_K };

/* Tags the result's axes from the last back: columns, then rows, then outer. Returns the side of the columns, 0 for
 * none. */
static unsigned tag_axes(const contract_cx *x, uint8_t *tags) {
    const attr_contract *a = x->n->attrs;
    kernel *k = x->k;
    unsigned col_side = 0, want = 0;
    enum tag now = TAG_COL;
    for (uint32_t i = x->gr->rank; i-- > 0;) {
        unsigned side = sides_of(a, a->out[i]);
        tags[i] = TAG_OUTER;
        if (dim_equal(k->dims, axis_extent(k, x->gr->axes[i]), dim_const(k->dims, 1))) continue;
        if (!col_side) {
            if (side == 3) return 0;
            col_side = want = side;
        }
        if (now == TAG_COL && side != want) {
            now = TAG_ROW;
            want = 3 - col_side;
        }
        if (now == TAG_ROW && side != want) now = TAG_OUTER;
        tags[i] = (uint8_t)now;
    }
    return col_side;
}

static dim run_of(const axis_map *m, uint32_t tag, dim *out_extent) {
    for (uint32_t i = 0; i < m->n; i++) {
        if (m->runs[i].tag != tag) continue;
        *out_extent = m->runs[i].extent;
        return m->runs[i].axis;
    }
    *out_extent = dim_const(m->k->dims, 1);
    return DIM_BAD;
}

/* A run of its own for a side that has no axis (a matrix-vector product has one row). */
static dim run_or_unit(contract_cx *x, uint32_t tag, const char *name, dim *out_extent) {
    dim axis = run_of(&x->axes, tag, out_extent);
    return axis != DIM_BAD ? axis : dim_axis(x->k->dims, name, *out_extent);
}

static frit_status map_operand(contract_cx *x, const dim *axes, uint32_t i, operand *out) {
    const graph *g = x->e->f->g;
    dim at[MAX_RANK];
    contract_operand_index(g, x->n, i, axes, at);
    for (uint32_t j = 0; j < graph_type(g, x->n->in[i])->rank; j++) at[j] = axis_map_dim(&x->axes, at[j]);
    TRY(expand(x->e, x->n->in[i], at, 0, &out->x));
    out->x = kx_cast(x->k, out->x, x->dt, true);
    return FRIT_OK;
}

/* Whether op is a load that the leaf can read in place: linear in k and in its own axis. */
static void find_direct(contract_cx *x, operand *op, dim own, bool needs_unit) {
    kernel *k = x->k;
    kx_node n = k->exprs.at[op->x];
    dim rest;
    op->is_direct = false;
    if (n.kind != KX_LOAD || n.pred || n.dt != x->dt) return;
    dim offset = kbuf_offset(k, n.ref, n.at);
    if (!dim_linear(k->dims, offset, axis_sym(k, x->kk), &op->k_coeff, &rest)) return;
    if (!dim_linear(k->dims, rest, axis_sym(k, own), &op->own_coeff, &op->rest)) return;
    if (dim_depends(k->dims, op->k_coeff, axis_sym(k, own))) return;
    op->buf = n.ref;
    op->at = n.at;
    op->is_direct = !needs_unit || dim_equal(k->dims, op->own_coeff, dim_const(k->dims, 1));
}

/* Whether B is a constant that can be packed: then *out asks for it. */
static bool can_pack(contract_cx *x, pack_request *out) {
    kernel *k = x->k;
    kx_node n = k->exprs.at[x->b.x];
    dim rest, kc, cc;
    *out = (pack_request){.panel = PANEL};
    if (n.kind != KX_LOAD || n.pred || n.dt != x->dt || x->e->params.at[n.ref] == VALUE_NONE) return false;
    out->data = graph_const(x->e->f->g, x->e->params.at[n.ref]);
    if (!out->data || out->data->kind != CONST_DENSE || dtype_bits(out->data->dt) < 8) return false;
    if (!dim_linear(k->dims, kbuf_offset(k, n.ref, n.at), axis_sym(k, x->kk), &kc, &rest)) return false;
    if (!dim_linear(k->dims, rest, axis_sym(k, x->col), &cc, &rest)) return false;
    return dim_is_const(k->dims, rest, &out->base) && dim_is_const(k->dims, kc, &out->k_stride) &&
           dim_is_const(k->dims, cc, &out->col_stride) && dim_is_const(k->dims, x->n_k, &out->n_k) &&
           dim_is_const(k->dims, x->n_cols, &out->n_cols);
}

/* B read from its packed form, over (column block, k, column in block). */
static frit_status use_packed(contract_cx *x, const pack_request *r, dim block) {
    kernel *k = x->k;
    const const_data *packed;
    TRY(pack_panels(x->e->c, r, &packed));
    dim shape[3], *at = ARENA_ARRAY(k->a, dim, 3);
    for (uint32_t i = 0; i < 3; i++) shape[i] = dim_const(k->dims, packed->dims.at[i]);
    x->b.buf = expander_packed(x->e, packed, 3, arena_copy(k->a, shape, sizeof shape));
    at[0] = block;
    at[1] = x->kk;
    at[2] = x->panel_col = dim_axis(k->dims, "jj", dim_const(k->dims, PANEL));
    x->b.at = at;
    return FRIT_OK;
}

static bool extent_below(kernel *k, dim extent, int64_t limit) {
    int64_t lo, hi;
    dim_bounds(k->dims, extent, &lo, &hi);
    return hi < limit;
}

/* A matrix micro-kernel is worth it: enough columns, and more than one row when B would have to be placed for it. */
static bool is_matrix(const contract_cx *x) {
    if (x->dt != FRIT_DT_F32 && x->dt != FRIT_DT_F64 && x->dt != FRIT_DT_I32) return false;
    if (extent_below(x->k, x->n_cols, MIN_COLS)) return false;
    return x->b.is_direct || x->is_packed || !extent_below(x->k, x->n_rows, 2);
}

/* The whole contraction as a reduction over k inside a row kernel. */
static frit_status as_row(contract_cx *x, const dim *axes, uint32_t n) {
    group *gr = &x->e->f->groups.at[x->e->group];
    gr->axes = arena_copy(x->e->f->a, axes, (n + 1u) * sizeof *axes);
    for (uint32_t i = gr->rank; i < n; i++) gr->reduced |= 1ull << i;
    gr->rank = n;
    return tree_row(x->e, x->o);
}

/* ---- statements */

typedef struct blocks {
    dim row_block, row, row_base, n_rows; /* par axis, rows in block as dims */
    dim col_block, n_cols, col_base;
    dim k_block, k_base, n_k;
    int64_t rows, cols, k; /* block sizes */
} blocks;

static dim block_axis(kernel *k, const char *name, dim extent, int64_t size, dim *out_base, dim *out_n) {
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

static void make_blocks(contract_cx *x, blocks *b) {
    kernel *k = x->k;
    b->rows = upper(k, x->n_rows, x->b.is_direct ? ROW_BLOCK : ROW_BLOCK_PLACED);
    b->cols = PANEL;
    b->k = upper(k, x->n_k, K_BLOCK);
    b->row_block = block_axis(k, "ib", x->n_rows, b->rows, &b->row_base, &b->n_rows);
    b->col_block = block_axis(k, "jb", x->n_cols, b->cols, &b->col_base, &b->n_cols);
    b->k_block = block_axis(k, "kb", x->n_k, b->k, &b->k_base, &b->n_k);
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

/* Tile of a block of an operand: at[outer axis][lane axis] with the lane axis along the vectors. */
static buf_id fill_tile(contract_cx *x, klist *l, const char *name, dim seq_n, dim vec_n, const int64_t *sizes,
                        kx (*element)(contract_cx *, const blocks *, dim, dim), const blocks *b) {
    kernel *k = x->k;
    dim shape[2] = {dim_const(k->dims, sizes[0]), dim_const(k->dims, sizes[1])};
    buf_id tile = kernel_local(k, name, x->dt, KB_TILE, 2, arena_copy(k->a, shape, sizeof shape));
    dim seq = dim_axis(k->dims, "r", seq_n), vec = dim_axis(k->dims, "c", vec_n);
    nest s = {.k = k};
    klist body = {0};
    dim at[2] = {seq, vec};
    nest_push(&s, KL_SEQ, seq, 0, 0);
    nest_push(&s, KL_VEC, vec, x->o->t->vector_bytes / 4, 1);
    kstmt_store(k, &body, tile, at, element(x, b, seq, vec), 0);
    nest_close(&s, body, l);
    return tile;
}

static kx a_value(contract_cx *x, const blocks *b, dim row, dim kk) {
    dim r = dim_add(x->k->dims, b->row_base, row), k = dim_add(x->k->dims, b->k_base, kk);
    return localise(x, x->a.x, &r, NULL, &k);
}

static kx b_value(contract_cx *x, const blocks *b, dim kk, dim col) {
    dim c = dim_add(x->k->dims, b->col_base, col), k = dim_add(x->k->dims, b->k_base, kk);
    return localise(x, x->b.x, NULL, &c, &k);
}

static const dim *localise_at(contract_cx *x, const operand *op, const dim *own_from, dim own_to, dim kk) {
    uint32_t rank = x->k->bufs.at[op->buf].rank;
    dim *at = ARENA_ARRAY(x->k->a, dim, rank + 1u);
    sym_id syms[2] = {axis_sym(x->k, x->kk), axis_sym(x->k, *own_from)};
    dim by[2] = {kk, own_to};
    for (uint32_t i = 0; i < rank; i++) at[i] = dim_subst(x->k->dims, op->at[i], 2, syms, by);
    return at;
}

static const dim *pair(kernel *k, dim a, dim b) {
    dim at[2] = {a, b};
    return arena_copy(k->a, at, sizeof at);
}

static void emit_leaf(contract_cx *x, klist *l, const blocks *b) {
    kernel *k = x->k;
    dim_table *t = k->dims;
    buf_id at = KID_NONE, bt = KID_NONE;
    int64_t a_sizes[2] = {b->rows, b->k}, b_sizes[2] = {b->k, b->cols};
    if (!x->a.is_direct) at = fill_tile(x, l, "at", b->n_rows, b->n_k, a_sizes, a_value, b);
    if (!x->b.is_direct) bt = fill_tile(x, l, "bt", b->n_k, b->n_cols, b_sizes, b_value, b);
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
    leaf->padded = x->is_packed || bt != KID_NONE;
    leaf->c = x->c_tile;
    leaf->c_at = pair(k, row, col);
    leaf->a = x->a.is_direct ? x->a.buf : at;
    leaf->a_at =
        x->a.is_direct ? localise_at(x, &x->a, &x->row, dim_add(t, b->row_base, row), whole_k) : pair(k, row, kk);
    leaf->b = x->b.is_direct ? x->b.buf : bt;
    if (x->is_packed)
        leaf->b_at = localise_at(x, &x->b, &x->panel_col, col, whole_k);
    else if (x->b.is_direct)
        leaf->b_at = localise_at(x, &x->b, &x->col, dim_add(t, b->col_base, col), whole_k);
    else
        leaf->b_at = pair(k, kk, col);
    kx cond[2] = {kx_index(k, b->k_block), kx_index(k, dim_const(t, 0))};
    bool is_single = dim_le(t, x->n_k, dim_const(t, b->k));
    leaf->accumulate = false;
    leaf->accumulate_if = is_single ? 0 : kx_op(k, OP_gt, 2, cond);
}

static kx resolve_result(expander *e, value_id v, const dim *at, kx guard) {
    contract_cx *x = e->data;
    (void)at;
    (void)guard;
    return v == x->n->out ? kx_load(x->k, x->c_tile, x->c_at, 0, 0) : 0;
}

/* for row { vec col { outputs } } */
static frit_status emit_epilogue(contract_cx *x, klist *l, const blocks *b) {
    kernel *k = x->k;
    dim row = dim_axis(k->dims, "i", b->n_rows), col = dim_axis(k->dims, "j", b->n_cols);
    dim whole_row = dim_add(k->dims, b->row_base, row), whole_col = dim_add(k->dims, b->col_base, col);
    sym_id syms[2] = {axis_sym(k, x->row), axis_sym(k, x->col)};
    dim by[2] = {whole_row, whole_col};
    nest s = {.k = k};
    klist body = {0};
    nest_push(&s, KL_SEQ, row, 0, 0);
    nest_push(&s, KL_VEC, col, x->o->t->vector_bytes / 4, STORE_UNROLL);
    x->c_at[0] = row;
    x->c_at[1] = col;
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

static frit_status emit_tree(contract_cx *x, const pack_request *pack) {
    kernel *k = x->k;
    blocks b;
    make_blocks(x, &b);
    if (x->is_packed) TRY(use_packed(x, pack, b.col_block));
    dim shape[2] = {dim_const(k->dims, b.rows), dim_const(k->dims, PANEL)};
    x->c_tile = kernel_local(k, "c", x->dt, KB_TILE, 2, arena_copy(k->a, shape, sizeof shape));
    nest s = {.k = k}, k_loop = {.k = k};
    klist body = {0}, k_body = {0}, top = {0};
    for (uint32_t i = 0; i < x->n_outer; i++) nest_push(&s, KL_PAR, x->outer[i], 0, 0);
    nest_push(&s, KL_PAR, b.col_block, 0, 0);
    nest_push(&s, KL_PAR, b.row_block, 0, 0);
    nest_push(&k_loop, KL_SEQ, b.k_block, 0, 0);
    emit_leaf(x, &k_body, &b);
    nest_close(&k_loop, k_body, &body);
    x->e->resolve = resolve_result;
    x->e->data = x;
    TRY(emit_epilogue(x, &body, &b));
    nest_close(&s, body, &top);
    vec_push(k->a, k->phases, top.first);
    k->schedule = (kschedule){.lanes = x->o->t->vector_bytes / 4,
                              .unroll = STORE_UNROLL,
                              .tile_m = (uint32_t)b.rows,
                              .tile_n = PANEL,
                              .tile_k = (uint32_t)b.k};
    return FRIT_OK;
}

frit_status tree_contract(expander *e, const tree_options *o) {
    const group *gr = &e->f->groups.at[e->group];
    contract_cx x = {.e = e, .o = o, .k = e->k, .gr = gr, .n = graph_node(e->f->g, gr->anchor)};
    x.dt = graph_type(e->f->g, x.n->out)->dt;
    dim axes[2 * MAX_RANK];
    uint8_t tags[2 * MAX_RANK];
    uint32_t n = contract_axes(&x, axes);
    unsigned col_side = tag_axes(&x, tags);
    if (!col_side) return as_row(&x, axes, n);
    axis_map_init(&x.axes, e->k);
    for (uint32_t i = 0; i < n; i++) {
        axis_map_add(&x.axes, i < gr->rank ? "i" : "k", axes[i], i < gr->rank ? tags[i] : TAG_K);
    }
    axis_map_merge(&x.axes, NULL, 1u << TAG_ROW | 1u << TAG_COL | 1u << TAG_K);
    x.row = run_or_unit(&x, TAG_ROW, "i", &x.n_rows);
    x.col = run_or_unit(&x, TAG_COL, "j", &x.n_cols);
    x.kk = run_or_unit(&x, TAG_K, "k", &x.n_k);
    for (uint32_t i = 0; i < x.axes.n; i++)
        if (x.axes.runs[i].tag == TAG_OUTER) x.outer[x.n_outer++] = x.axes.runs[i].axis;
    /* decided on a kernel that is thrown away, so that the real one has no parameter it does not read */
    expander trial;
    pack_request pack;
    expander_init(&trial, e->c, e->f, kernel_new(e->k->a, "trial", e->k->dims), e->group);
    x.e = &trial;
    x.k = trial.k;
    uint32_t b_operand = col_side == 1 ? 0 : 1;
    TRY(map_operand(&x, axes, 1 - b_operand, &x.a));
    TRY(map_operand(&x, axes, b_operand, &x.b));
    find_direct(&x, &x.b, x.col, true);
    x.is_packed = can_pack(&x, &pack);
    bool has_matrix_form = is_matrix(&x);
    x.e = e;
    x.k = e->k;
    if (!has_matrix_form) return as_row(&x, axes, n);
    TRY(map_operand(&x, axes, 1 - b_operand, &x.a));
    find_direct(&x, &x.a, x.row, false);
    x.b.is_direct = x.is_packed;
    if (!x.is_packed) {
        TRY(map_operand(&x, axes, b_operand, &x.b));
        find_direct(&x, &x.b, x.col, true);
    }
    return emit_tree(&x, &pack);
}
