/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which contractions Winograd's transforms serve: 3 x 3 windows of stride 1 over an image with its channels last, where
 * the work saved is worth the transforms and the larger weights.
 *
 * It is seen from the image's operand alone: it changes with an axis of the result and a summed axis of three steps
 * only through their sum, and that twice. */
#include <math.h>

#include "ir/graph/view_index.h"
#include "passes/tree_cpu/winograd.h"

enum { TILES = 30, LEAST_STEPS = 8 }; /* most tiles of a block; fewest channels */
/* Measured in what the leaf computes meanwhile: flops of transforming one input or output element of a tile. */
enum { INPUT_FLOPS = 96, OUTPUT_FLOPS = 160 };
enum { LEAST_GAIN_PERCENT = 120 };
/* Weights become 16/9 as large: this much work has to be saved for each byte that is read more. */
enum { LEAST_SAVED_PER_BYTE = 32 };
enum { SPAN_BYTES = 1 << 20, ITEMS = 8 }; /* weights that the blocks of a span share; items to keep threads busy */

/* ---- whether it is one */

static dim axis_at(const contract_cx *x, uint32_t i) { return x->all_axes[i]; }

/* Whether a, over unflattened axes, changes with axes `own` and `tap` through their sum only. */
static bool moves_along(const contract_cx *x, kx a, uint32_t own, uint32_t tap) {
    kernel *k = x->k;
    const sym_id syms[2] = {axis_sym(k, axis_at(x, own)), axis_sym(k, axis_at(x, tap))};
    const dim by[2] = {dim_add(k->dims, axis_at(x, own), axis_at(x, tap)), dim_const(k->dims, 0)};
    if (!kx_depends(k, a, syms[0]) || !kx_depends(k, a, syms[1])) return false;
    return kx_subst(k, a, 2, syms, by, NULL, NULL) == a;
}

/* Finds the two axes of the image and the window's; what is left of the summed ones is the channel. */
static bool find_image(winograd *w, kx a, const uint8_t *tags) {
    const contract_cx *x = w->x;
    uint32_t found = 0, first = x->gr->rank, left = 0;
    if (x->n_axes != first + 3) return false;
    for (uint32_t i = 0; i < 3; i++) left += first + i;
    for (uint32_t own = 0; own < first; own++) {
        for (uint32_t tap = first; tap < x->n_axes && tags[own] == TAG_ROW; tap++) {
            dim steps = axis_extent(x->k, axis_at(x, tap));
            if (!dim_equal(x->k->dims, steps, dim_const(x->k->dims, TAPS)) || !moves_along(x, a, own, tap)) continue;
            if (found == 2) return false;
            w->axes[found++] = (image_axis){.own = own, .tap = tap, .n = axis_extent(x->k, axis_at(x, own))};
            left -= tap;
            break;
        }
    }
    w->channel = left;
    return found == 2 && w->axes[0].tap != w->axes[1].tap;
}

/* Whether a is a load of neighbouring channels, zero where it is not read. */
static bool is_image(const winograd *w, kx a) {
    kernel *k = w->x->k;
    const kx_node *n = &k->exprs.at[a];
    dim stride, rest, channel = axis_at(w->x, w->channel);
    if (n->kind != KX_LOAD || n->dt != FRIT_DT_F32) return false;
    dim offset = kbuf_offset(k, n->ref, n->at);
    if (loaded_follows(k, offset, channel, axis_at(w->x, w->axes[0].own))) return false;
    if (!dim_linear(k->dims, offset, axis_sym(k, channel), &stride, &rest)) return false;
    if (!dim_equal(k->dims, stride, dim_const(k->dims, 1))) return false;
    if (!n->pred) return true;
    const kx_node *fill = &k->exprs.at[n->fill];
    return !kx_depends(k, n->pred, axis_sym(k, channel)) && fill->kind == KX_CONST && fill->value.f == 0;
}

/* ---- whether it pays */

/* Columns of a block: about PANEL, so that the last block is nearly full; a multiple of the widest register block. */
static void cut_columns(winograd *w) {
    const target *t = w->x->t;
    int64_t lanes = t->vector_bytes / 4, tile = t->n_vector_regs == 32 ? lanes : 2 * lanes;
    if (w->n_cols <= lanes) tile = lanes;
    w->n_col_blocks = (w->n_cols + PANEL - 1) / PANEL;
    w->cols = ((w->n_cols + w->n_col_blocks - 1) / w->n_col_blocks + tile - 1) / tile * tile;
    w->panel = t->n_vector_regs == 32 ? w->cols : tile;
}

/* Blocks of columns of an item. Every item transforms its inputs anew, so many save work; but the weights of a span should
 * stay in a cache from block to block, and there must be items enough for the threads. */
static int64_t blocks_of_span(const winograd *w, int64_t n_blocks) {
    int64_t span = SPAN_BYTES / (POINTS * w->n_c * w->cols * 4);
    int64_t most = w->n_col_blocks * n_blocks / ITEMS;
    if (span > most) span = most;
    if (span > w->n_col_blocks) span = w->n_col_blocks;
    return span > 1 ? span : 1;
}

static int64_t likely_extent(const winograd *w, dim d) {
    kernel *k = w->x->k;
    cx *c = w->x->e->c;
    uint32_t n = dim_n_syms(k->dims);
    int64_t *values = ARENA_ARRAY(c->scratch, int64_t, n + 1u), v = 0;
    for (sym_id s = 0; s < n; s++) values[s] = dim_likely(k->dims, s);
    return dim_eval(c, k->dims, d, values, &v) == FRIT_OK && v > 0 ? v : 1;
}

/* By the work on one image: the choice may not depend on the batch. */
static bool pays(winograd *w) {
    double size[2], c = (double)w->n_c, cols = (double)w->n_cols;
    if (w->n_c < LEAST_STEPS) return false;
    for (int i = 0; i < 2; i++) size[i] = (double)likely_extent(w, w->axes[i].n);
    double tiles = ceil(size[0] / OUT) * ceil(size[1] / OUT), spans = ceil((double)w->n_col_blocks / (double)w->span);
    double plain = 2 * TAPS * TAPS * size[0] * size[1] * c * cols;
    double own = tiles * (2 * POINTS * c * cols + INPUT_FLOPS * c * spans + OUTPUT_FLOPS * cols);
    double more_bytes = 4 * (POINTS - TAPS * TAPS) * c * cols;
    return plain * 100 > own * LEAST_GAIN_PERCENT && plain - own > more_bytes * LEAST_SAVED_PER_BYTE;
}

/* Blocks of tiles, and the spans of column blocks that items beside each other take. */
static void cut_tiles(winograd *w) {
    kernel *k = w->x->k;
    dim_table *t = k->dims;
    int64_t n_tiles, n_blocks = ITEMS;
    dim all = dim_const(t, 1);
    for (int i = 0; i < 2; i++) {
        w->axes[i].n_tiles = dim_ceildiv(t, w->axes[i].n, dim_const(t, OUT));
        all = dim_mul(t, all, w->axes[i].n_tiles);
    }
    w->tiles = contract_rows_of_block(w->x, all, TILES);
    if (dim_is_const(t, all, &n_tiles)) n_blocks = (n_tiles + w->tiles - 1) / w->tiles;
    cut_columns(w);
    w->span = blocks_of_span(w, n_blocks);
    w->block = contract_block_axis(k, "tb", all, w->tiles, &w->base, &w->n);
}

/* Analyses a kernel that is thrown away, so that the real one has no parameter that it does not read. */
frit_status winograd_find(winograd *w, const pack_request *pack, const uint8_t *tags, bool *out_fits) {
    contract_cx *x = w->x;
    expander trial, *e = x->e;
    expander_init(&trial, e->c, e->f, kernel_new(e->k->a, "trial", e->k->dims), e->group);
    x->e = &trial;
    x->k = trial.k;
    dim at[MAX_RANK];
    kx a;
    contract_operand_index(x->n, 1 - x->b_operand, x->all_axes, at);
    TRY(expand(x->e, x->n->in[1 - x->b_operand], at, 0, &a));
    *out_fits = find_image(w, a, tags) && is_image(w, a) &&
                dim_is_const(x->k->dims, axis_extent(x->k, axis_at(x, w->channel)), &w->n_c);
    w->n_cols = pack->n_cols;
    *out_fits = *out_fits && x->dt == FRIT_DT_F32 && pack->data->dt == FRIT_DT_F32;
    if (*out_fits) cut_tiles(w);
    *out_fits = *out_fits && pays(w);
    x->e = e;
    x->k = e->k;
    return FRIT_OK;
}
