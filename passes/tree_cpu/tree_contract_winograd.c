/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The CPU's loop tree of a 3 x 3 convolution with constant weights by Winograd's F(2 x 2, 3 x 3): 16 products a tile of
 * 2 x 2 outputs where plain sums take 36 (Lavin, Gray: Fast Algorithms for Convolutional Neural Networks, 2016).
 *
 *   Y = A' [ sum over channels of (G g G') (B' d B) ] A         d: 4 x 4 inputs, g: 3 x 3 weights, Y: 2 x 2 outputs
 *
 *   par outer, column span, block of tiles {
 *     for tile { vec c { v[0..16, tile, c] = B' d[4 x 4, c] B } }               inputs beyond the border are zero
 *     for columns of the span {
 *       for i < 16 { for kb { leaf m[tile, i, col] (+)= v[i, tile, c] x packed[i, c, col], c of kb } }
 *       for tile { vec col { y[2 x 2, col] = epilogue(A' m[tile, 0..16, col] A) where inside } } } }
 *
 * G g G' is made when the artifact is written (pack.c). Tiles are those of one image, counted from its corner, and sums
 * run over channels in chains of CHAIN steps: so an image's bits depend neither on its batch nor on threads. */
#include "passes/tree_cpu/winograd.h"

#include "ir/graph/view_index.h"
#include "passes/tree/terms.h"

enum { PAD = 16 }; /* elements that keep planes off equal sets of the cache */
/* Steps of k of one chain: fewer than in plain sums, as transformed values are larger than what is left of them. */
enum { CHAIN = K_BLOCK / 2 };

/* All axes but the columns apart, in the order of the loops. */
static void name_axes(winograd *w, const uint8_t *tags) {
    enum { APART = TAG_K + 1 };
    contract_cx *x = w->x;
    axis_map_init(&x->axes, x->k);
    x->n_outer = 0;
    for (uint32_t i = 0; i < x->n_axes; i++) {
        bool is_col = i < x->gr->rank && tags[i] == TAG_COL;
        axis_map_add(&x->axes, "i", x->all_axes[i], is_col ? (uint32_t)TAG_COL : APART + i);
    }
    axis_map_merge(&x->axes, NULL, 1u << TAG_COL);
    for (int i = 0; i < 2; i++) w->axes[i].at = axis_map_dim(&x->axes, x->all_axes[w->axes[i].own]);
    w->c = axis_map_dim(&x->axes, x->all_axes[w->channel]);
    for (uint32_t i = 0; i < x->axes.n; i++) {
        const axis_run *run = &x->axes.runs[i];
        bool is_image = run->axis == w->axes[0].at || run->axis == w->axes[1].at;
        if (run->tag == TAG_COL)
            x->col = run->axis, x->n_cols = run->extent;
        else if (run->tag < APART + x->gr->rank && !is_image)
            x->outer[x->n_outer++] = run->axis;
    }
}

/* Where output or input 0 of tile `tile` of the block lies along either axis. */
static void corner(const winograd *w, dim tile, dim out[2]) {
    dim_table *t = w->x->k->dims;
    dim whole = dim_add(t, w->base, tile), across = w->axes[1].n_tiles, out_size = dim_const(t, OUT);
    out[0] = dim_mul(t, dim_floordiv(t, whole, across), out_size);
    out[1] = dim_mul(t, dim_mod(t, whole, across), out_size);
}

static dim beside(const winograd *w, dim at, uint32_t by) {
    return dim_add(w->x->k->dims, at, dim_const(w->x->k->dims, by));
}

/* Whether the second output of a tile along axis d exists, 0 when it always does. */
static kx is_second_there(const winograd *w, const dim corner_at[2], uint32_t d) {
    kernel *k = w->x->k;
    dim n = w->axes[d].n;
    if (dim_divides(k->dims, dim_const(k->dims, OUT), n)) return 0;
    return kx_op(k, OP_lt, 2, (kx[]){kx_index(k, beside(w, corner_at[d], 1)), kx_index(k, n)});
}

/* Input i, j of the tile at a corner: inputs that no output needs are not read. */
static frit_status input_at(const winograd *w, const dim corner_at[2], uint32_t i, uint32_t j, kx *out) {
    contract_cx *x = w->x;
    kernel *k = x->k;
    const uint32_t place[2] = {i, j};
    uint32_t side = 1 - x->b_operand;
    dim at[MAX_RANK], by[4], zero = dim_const(k->dims, 0);
    sym_id syms[4];
    kx guard = 0;
    for (uint32_t d = 0; d < 2; d++) {
        dim from = beside(w, corner_at[d], place[d]);
        if (place[d] == SIDE - 1) guard = kx_and(k, guard, is_second_there(w, corner_at, d));
        syms[2 * d] = axis_sym(k, w->axes[d].at);
        by[2 * d] = from;
        syms[2 * d + 1] = axis_sym(k, axis_map_dim(&x->axes, x->all_axes[w->axes[d].tap]));
        by[2 * d + 1] = zero;
    }
    contract_operand_index(x->n, side, x->all_axes, at);
    for (uint32_t d = 0; d < graph_type(x->e->f->g, x->n->in[side])->rank; d++)
        at[d] = dim_subst(k->dims, axis_map_dim(&x->axes, at[d]), 4, syms, by);
    return expand(x->e, x->n->in[side], at, guard, out);
}

static kx add(kernel *k, kx a, kx b) { return kx_op(k, OP_add, 2, (kx[]){a, b}); }
static kx sub(kernel *k, kx a, kx b) { return kx_op(k, OP_sub, 2, (kx[]){a, b}); }

/* Row i of B' d. */
static kx input_sum(kernel *k, const kx d[SIDE], uint32_t i) {
    if (i == 0) return sub(k, d[0], d[2]);
    if (i == 1) return add(k, d[1], d[2]);
    return i == 2 ? sub(k, d[2], d[1]) : sub(k, d[1], d[3]);
}

/* Row i of A' m. */
static kx output_sum(kernel *k, const kx m[SIDE], uint32_t i) {
    if (i == 0) return add(k, add(k, m[0], m[1]), m[2]);
    return sub(k, sub(k, m[1], m[2]), m[3]);
}

/* vec c { v[.., tile, c] = B' d B } */
static void transform_input(const winograd *w, klist *l, dim tile, kx d[SIDE][SIDE]) {
    kernel *k = w->x->k;
    dim_table *t = k->dims;
    nest s = {.k = k};
    klist body = {0};
    kx half[SIDE][SIDE]; /* d B, by column first */
    for (uint32_t i = 0; i < SIDE; i++)
        for (uint32_t j = 0; j < SIDE; j++) d[i][j] = kstmt_let(k, &body, "d", d[i][j]);
    for (uint32_t i = 0; i < SIDE; i++)
        for (uint32_t j = 0; j < SIDE; j++) half[j][i] = kstmt_let(k, &body, "e", input_sum(k, d[i], j));
    for (uint32_t i = 0; i < SIDE; i++)
        for (uint32_t j = 0; j < SIDE; j++) {
            dim at[2] = {dim_const(t, i * SIDE + j), dim_add(t, dim_mul(t, tile, dim_const(t, w->n_c)), w->c)};
            kstmt_store(k, &body, w->v, at, input_sum(k, half[j], i), 0);
        }
    nest_push(&s, KL_VEC, w->c, w->x->t->vector_bytes / 4, 1);
    nest_close(&s, body, l);
}

/* whole where inside (0: always) holds, else ragged. */
static klist choose(kernel *k, kx inside, const klist *whole, const klist *ragged) {
    if (!inside) return *whole;
    klist l = {0};
    kstmt *branch = kstmt_if(k, &l, inside);
    klist_close(branch, whole);
    klist_close_else(branch, ragged);
    return l;
}

/* for tile { body } */
static void over_tiles(const winograd *w, klist *l, dim tile, klist body) {
    nest s = {.k = w->x->k};
    nest_push(&s, KL_SEQ, tile, 0, 0);
    nest_close(&s, body, l);
}

static frit_status emit_inputs(const winograd *w, klist *l) {
    kernel *k = w->x->k;
    dim tile = dim_axis(k->dims, "t", w->n), at[2];
    kx any[SIDE][SIDE], plain[SIDE][SIDE], inside = 0;
    klist whole = {0}, ragged = {0};
    corner(w, tile, at);
    for (uint32_t i = 0; i < SIDE; i++)
        for (uint32_t j = 0; j < SIDE; j++) {
            TRY(input_at(w, at, i, j, &any[i][j]));
            kx_node n = k->exprs.at[any[i][j]];
            inside = kx_and(k, inside, n.pred);
            plain[i][j] = n.kind == KX_LOAD ? kx_load(k, n.ref, n.at, 0, 0) : any[i][j];
        }
    transform_input(w, &whole, tile, plain);
    if (inside) transform_input(w, &ragged, tile, any);
    over_tiles(w, l, tile, choose(k, inside, &whole, &ragged));
    return FRIT_OK;
}

static void emit_products(const winograd *w, klist *l) {
    kernel *k = w->x->k;
    dim_table *t = k->dims;
    dim point = dim_axis(t, "p", dim_const(t, POINTS)), zero = dim_const(t, 0), base, n_k;
    dim panel = w->cols > w->panel ? dim_axis(t, "jp", dim_const(t, w->cols / w->panel)) : zero;
    dim block = contract_block_axis(k, "kb", dim_const(t, w->n_c), CHAIN, &base, &n_k);
    dim row = dim_axis(t, "row", w->n), col = dim_axis(t, "col", dim_const(t, w->panel)), kk = dim_axis(t, "kk", n_k);
    dim channel = dim_add(t, base, kk), first = dim_mul(t, panel, dim_const(t, w->panel));
    dim c_col = dim_add(t, dim_mul(t, point, dim_const(t, w->cols)), dim_add(t, first, col));
    klist body = {0};
    nest s = {.k = k};
    kleaf *leaf = kstmt_leaf(k, &body);
    *leaf =
        (kleaf){.c = w->m,
                .a = w->v,
                .b = w->packed,
                .c_at = index_list(k, 2, (dim[]){row, c_col}),
                .a_at = index_list(k, 2, (dim[]){point, dim_add(t, dim_mul(t, row, dim_const(t, w->n_c)), channel)}),
                .b_at = index_list(k, 5, (dim[]){w->col_block, point, panel, channel, col}),
                .row = axis_sym(k, row),
                .col = axis_sym(k, col),
                .kk = axis_sym(k, kk),
                .rows = w->n,
                .cols = dim_const(t, w->panel),
                .n_k = n_k,
                .max_cols = (uint32_t)w->panel,
                .padded = w->x->t->vector_bytes / 4,
                .b_streams = true};
    bool is_single = dim_is_const(t, block, NULL);
    leaf->accumulate_if = is_single ? 0 : kx_op(k, OP_gt, 2, (kx[]){kx_index(k, block), kx_index(k, zero)});
    nest_push(&s, KL_SEQ, point, 0, 0);
    nest_push(&s, KL_SEQ, panel, 0, 0);
    nest_push(&s, KL_SEQ, block, 0, 0);
    nest_close(&s, body, l);
}

static kx resolve_result(expander *e, value_id v, const dim *at, kx guard) {
    const winograd *w = e->data;
    (void)at;
    (void)guard;
    return v == w->x->n->out ? w->result : 0;
}

/* Stores the outputs of the group for output i, j of a tile, where guard (0: always) holds. */
static frit_status emit_output(winograd *w, klist *l, const dim at[2], dim col, kx guard) {
    contract_cx *x = w->x;
    kernel *k = x->k;
    const sym_id syms[3] = {axis_sym(k, w->axes[0].at), axis_sym(k, w->axes[1].at), axis_sym(k, x->col)};
    const dim by[3] = {at[0], at[1], col};
    x->e->resolve = resolve_result;
    x->e->data = w;
    x->e->memo = (map){.a = k->a};
    for (uint32_t o = 0; o < x->gr->outputs.n; o++) {
        value_id v = x->gr->outputs.at[o];
        dim out_at[MAX_RANK];
        kx y;
        for (uint32_t d = 0; d < graph_type(x->e->f->g, v)->rank; d++)
            out_at[d] = dim_subst(k->dims, axis_map_dim(&x->axes, x->e->f->index[v][d]), 3, syms, by);
        TRY(expand(x->e, v, out_at, guard, &y));
        expander_store(x->e, l, v, out_at, y, guard);
    }
    return FRIT_OK;
}

/* The lets of A' m A for one tile. */
static void sum_tile(winograd *w, klist *l, dim tile, dim col) {
    kernel *k = w->x->k;
    dim_table *t = k->dims;
    kx m[SIDE], half[OUT][SIDE];
    for (uint32_t i = 0; i < SIDE; i++) {
        for (uint32_t j = 0; j < SIDE; j++) {
            dim at[2] = {tile, dim_add(t, dim_const(t, (i * SIDE + j) * w->cols), col)};
            m[j] = kstmt_let(k, l, "m", kx_load(k, w->m, index_list(k, 2, at), 0, 0));
        }
        for (uint32_t j = 0; j < OUT; j++) half[j][i] = kstmt_let(k, l, "n", output_sum(k, m, j));
    }
    for (uint32_t i = 0; i < OUT; i++)
        for (uint32_t j = 0; j < OUT; j++) w->y[i][j] = kstmt_let(k, l, "s", output_sum(k, half[j], i));
}

/* vec col { y[2 x 2, col] = epilogue(A' m A) }; guards[i][j]: where output i, j exists, 0 always. */
static frit_status transform_output(winograd *w, klist *l, dim tile, kx guards[OUT][OUT]) {
    kernel *k = w->x->k;
    dim_table *t = k->dims;
    dim first = dim_mul(t, w->col_block, dim_const(t, w->cols)), at[2];
    dim n = w->n_col_blocks == 1 ? w->x->n_cols : dim_min(t, dim_const(t, w->cols), dim_sub(t, w->x->n_cols, first));
    if (w->n_cols % w->cols == 0) n = dim_const(t, w->cols);
    dim col = dim_axis(t, "j", n);
    klist body = {0};
    nest s = {.k = k};
    corner(w, tile, at);
    sum_tile(w, &body, tile, col);
    for (uint32_t i = 0; i < OUT; i++)
        for (uint32_t j = 0; j < OUT; j++) {
            w->result = w->y[i][j];
            dim pixel[2] = {beside(w, at[0], i), beside(w, at[1], j)};
            TRY(emit_output(w, &body, pixel, dim_add(t, first, col), guards ? guards[i][j] : 0));
        }
    nest_push(&s, KL_VEC, col, w->x->t->vector_bytes / 4, 1);
    nest_close(&s, body, l);
    return FRIT_OK;
}

static frit_status emit_outputs(winograd *w, klist *l) {
    kernel *k = w->x->k;
    dim tile = dim_axis(k->dims, "t", w->n), at[2];
    kx guards[OUT][OUT], inside = 0;
    klist whole = {0}, ragged = {0};
    corner(w, tile, at);
    for (uint32_t i = 0; i < OUT; i++)
        for (uint32_t j = 0; j < OUT; j++) {
            guards[i][j] = kx_and(k, i ? is_second_there(w, at, 0) : 0, j ? is_second_there(w, at, 1) : 0);
            inside = kx_and(k, inside, guards[i][j]);
        }
    TRY(transform_output(w, &whole, tile, NULL));
    if (inside) TRY(transform_output(w, &ragged, tile, guards));
    over_tiles(w, l, tile, choose(k, inside, &whole, &ragged));
    return FRIT_OK;
}

/* Room for v and m; the planes of a tile's points lie off multiples of the cache's sets. */
static void add_tiles(winograd *w) {
    kernel *k = w->x->k;
    dim_table *t = k->dims;
    dim v[2] = {dim_const(t, POINTS), dim_const(t, w->tiles * w->n_c + PAD)};
    dim m[2] = {dim_const(t, w->tiles), dim_const(t, POINTS * w->cols + PAD)};
    w->v = kernel_local(k, "v", FRIT_DT_F32, KB_TILE, 2, index_list(k, 2, v));
    w->m = kernel_local(k, "m", FRIT_DT_F32, KB_TILE, 2, index_list(k, 2, m));
}

/* The steps of k stand in the order of the summed axes; tap (0, 0) of every channel, and how far apart taps lie. */
static void add_weights(winograd *w, const pack_request *pack) {
    contract_cx *x = w->x;
    kernel *k = x->k;
    int64_t apart[2 * MAX_RANK], n = 1, extent = 0;
    for (uint32_t i = x->n_axes; i-- > x->gr->rank; n *= extent) {
        apart[i] = n;
        dim_is_const(k->dims, axis_extent(k, x->all_axes[i]), &extent);
    }
    int64_t *offsets = ARENA_ARRAY(x->e->c->scratch, int64_t, (size_t)w->n_c + 1u);
    for (int64_t c = 0; c < w->n_c; c++) offsets[c] = pack->k_offsets[c * apart[w->channel]];
    pack_transformed r = {.of = *pack, .n_panels = w->cols / w->panel, .n_blocks = w->n_col_blocks};
    for (int i = 0; i < 2; i++) r.tap_steps[i] = pack->k_offsets[apart[w->axes[i].tap]] - pack->k_offsets[0];
    r.of.k_offsets = offsets;
    r.of.n_k = w->n_c;
    r.of.panel = w->panel;
    const const_data *packed = pack_winograd(x->e->c->job, &r);
    dim shape[MAX_RANK];
    for (uint32_t i = 0; i < packed->dims.n; i++) shape[i] = dim_const(k->dims, packed->dims.at[i]);
    w->packed = expander_packed(x->e, packed, packed->dims.n, index_list(k, packed->dims.n, shape));
}

/* Which column blocks an item takes: an axis of spans, and one of the blocks in a span. */
static void cut_col_blocks(winograd *w) {
    dim_table *t = w->x->k->dims;
    dim n_col_blocks = dim_const(t, w->n_col_blocks), base, n;
    w->span_axis = contract_block_axis(w->x->k, "jb", n_col_blocks, w->span, &base, &n);
    w->col_block_axis = w->span > 1 ? dim_axis(t, "jg", n) : dim_const(t, 0);
    w->col_block = dim_add(t, base, w->col_block_axis);
}

frit_status contract_winograd_tree(contract_cx *x, const pack_request *pack, const uint8_t *tags, bool *out_done) {
    winograd w = {.x = x};
    TRY(winograd_find(&w, pack, tags, out_done));
    if (!*out_done) return FRIT_OK;
    kernel *k = x->k;
    name_axes(&w, tags);
    cut_col_blocks(&w);
    add_tiles(&w);
    add_weights(&w, pack);
    nest s = {.k = k}, columns = {.k = k};
    klist body = {0}, products = {0}, top = {0};
    for (uint32_t i = 0; i < x->n_outer; i++) nest_push(&s, KL_PAR, x->outer[i], 0, 0);
    nest_push(&s, KL_PAR, w.span_axis, 0, 0);
    nest_push(&s, KL_PAR, w.block, 0, 0);
    TRY(emit_inputs(&w, &body));
    nest_push(&columns, KL_SEQ, w.col_block_axis, 0, 0);
    emit_products(&w, &products);
    TRY(emit_outputs(&w, &products));
    nest_close(&columns, products, &body);
    nest_close(&s, body, &top);
    vec_push(k->a, k->phases, top.first);
    k->schedule = (kschedule){.lanes = x->t->vector_bytes / 4,
                              .unroll = 1,
                              .tile_m = (uint32_t)w.tiles,
                              .tile_n = (uint32_t)w.cols,
                              .tile_k = w.n_c < CHAIN ? (uint32_t)w.n_c : CHAIN};
    return FRIT_OK;
}
