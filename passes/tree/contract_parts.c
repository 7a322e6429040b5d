/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the trees of a CONTRACT group begin with: acc[rows, cols] = sum over k of A * B.
 *
 * The columns are the trailing axes of the result that only one operand has; that operand is B (read along its
 * vectors), the other is A (read as broadcasts). So a matmul has its N as columns and a convolution in NCHW its pixels,
 * with the weights as A. Axes of each kind are flattened; an operand that is then a plain load, linear in its axes, is
 * read in place, a constant B is packed while compiling, anything else (padding, casts, gathers) is placed in a tile a
 * block at a time. */
#include "passes/tree/contract_parts.h"

#include <string.h>

#include "ir/graph/view_index.h"

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
        if (side == 3) continue; /* a batch axis may stand anywhere but last */
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

frit_status contract_operand(contract_cx *x, uint32_t i, kx guard, operand *out) {
    const graph *g = x->e->f->g;
    dim at[MAX_RANK];
    contract_operand_index(x->n, i, x->all_axes, at);
    for (uint32_t j = 0; j < graph_type(g, x->n->in[i])->rank; j++) at[j] = axis_map_dim(&x->axes, at[j]);
    TRY(expand(x->e, x->n->in[i], at, guard, &out->x));
    out->dt = x->k_pack > 1 ? kx_dtype(x->k, out->x) : x->dt;
    out->x = kx_cast(x->k, out->x, out->dt, true);
    return FRIT_OK;
}

void contract_find_direct(contract_cx *x, operand *op, dim own, bool needs_unit) {
    kernel *k = x->k;
    kx_node n = k->exprs.at[op->x];
    dim rest;
    op->is_direct = false;
    if (n.kind != KX_LOAD || n.pred || n.dt != op->dt) return;
    dim offset = kbuf_offset(k, n.ref, n.at);
    if (loaded_follows(k, offset, x->kk, own)) return;
    if (!dim_linear(k->dims, offset, axis_sym(k, x->kk), &op->k_coeff, &rest)) return;
    if (!dim_linear(k->dims, rest, axis_sym(k, own), &op->own_coeff, &op->rest)) return;
    if (dim_depends(k->dims, op->k_coeff, axis_sym(k, own))) return;
    op->buf = n.ref;
    op->at = n.at;
    bool has_packs = x->k_pack > 1 && dim_equal(k->dims, op->k_coeff, dim_const(k->dims, 1)) &&
                     dim_divides(k->dims, dim_const(k->dims, x->k_pack), x->n_k);
    if (x->k_pack > 1)
        op->is_direct = !needs_unit && has_packs;
    else
        op->is_direct = !needs_unit || dim_equal(k->dims, op->own_coeff, dim_const(k->dims, 1));
}

/* Offsets of the steps of k, the summed axes in order; offset is linear in each of them. *rest is without them. */
static bool list_k_offsets(contract_cx *x, dim offset, pack_request *out, dim *rest) {
    kernel *k = x->k;
    uint32_t n = 0;
    int64_t extents[MAX_RANK], strides[MAX_RANK];
    *rest = offset;
    for (uint32_t i = x->gr->rank; i < x->n_axes; i++, n++) {
        dim stride;
        if (!dim_linear(k->dims, *rest, axis_sym(k, x->all_axes[i]), &stride, rest)) return false;
        if (!dim_is_const(k->dims, stride, &strides[n])) return false;
        if (!dim_is_const(k->dims, axis_extent(k, x->all_axes[i]), &extents[n])) return false;
    }
    if (!dim_is_const(k->dims, x->n_k, &out->n_k)) return false;
    int64_t *offsets = ARENA_ARRAY(x->e->c->scratch, int64_t, (size_t)out->n_k + 1u);
    for (int64_t i = 0; i < out->n_k; i++) {
        int64_t left = i;
        for (uint32_t j = n; j-- > 0; left /= extents[j]) offsets[i] += left % extents[j] * strides[j];
    }
    out->k_offsets = offsets;
    return true;
}

/* Whether B is a constant that can be packed: then *out asks for it. */
static frit_status can_pack(contract_cx *x, pack_request *out, bool *out_can) {
    kernel *k = x->k;
    const graph *g = x->e->f->g;
    dim at[MAX_RANK], rest, cc;
    kx b;
    uint32_t tile = contract_has_amx(x) ? AMX_PANEL : target_tile_columns(x->t, dtype_bits(x->dt) / 8);
    *out = (pack_request){.panel = tile && tile < PANEL ? tile : PANEL, .k_pack = x->k_pack};
    *out_can = false;
    contract_operand_index(x->n, x->b_operand, x->all_axes, at);
    for (uint32_t j = 0; j < graph_type(g, x->n->in[x->b_operand])->rank; j++) {
        bool is_summed = false;
        for (uint32_t i = x->gr->rank; i < x->n_axes; i++) is_summed = is_summed || at[j] == x->all_axes[i];
        if (!is_summed) at[j] = axis_map_dim(&x->axes, at[j]);
    }
    TRY(expand(x->e, x->n->in[x->b_operand], at, 0, &b));
    kx_node n = k->exprs.at[b];
    if (n.kind != KX_LOAD || n.pred || n.dt != x->b.dt || x->e->params.at[n.ref] == VALUE_NONE) return FRIT_OK;
    out->data = graph_const(g, x->e->params.at[n.ref]);
    if (!out->data || out->data->kind != CONST_DENSE || dtype_bits(out->data->dt) < 8) return FRIT_OK;
    if (!list_k_offsets(x, kbuf_offset(k, n.ref, n.at), out, &rest)) return FRIT_OK;
    if (!dim_linear(k->dims, rest, axis_sym(k, x->col), &cc, &rest)) return FRIT_OK;
    *out_can = dim_is_const(k->dims, rest, &out->base) && dim_is_const(k->dims, cc, &out->col_stride) &&
               dim_is_const(k->dims, x->n_cols, &out->n_cols);
    /* A single panel is no wider than its columns need. */
    int64_t vector = x->t->vector_bytes / 4;
    if (*out_can && vector && out->n_cols < out->panel) out->panel = (out->n_cols + vector - 1) / vector * vector;
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
    if (extent_below(x->k, x->n_cols, MIN_PRODUCT_COLS)) return false;
    return x->b.is_direct || x->is_packed || x->has_weights || !extent_below(x->k, x->n_rows, 2);
}

void contract_add_axes(const contract_cx *x, const uint8_t *tags, axis_map *out) {
    axis_map_init(out, x->k);
    for (unsigned tag = TAG_OUTER; tag <= TAG_COL; tag++)
        for (uint32_t i = 0; i < x->gr->rank; i++)
            if (tags[i] == tag) axis_map_add(out, "i", x->all_axes[i], tag);
    for (uint32_t i = x->gr->rank; i < x->n_axes; i++) axis_map_add(out, "k", x->all_axes[i], TAG_K);
}

void contract_flatten(contract_cx *x, const uint8_t *tags, const dim_set *accesses) {
    contract_add_axes(x, tags, &x->axes);
    axis_map_merge(&x->axes, accesses, 1u << TAG_ROW | 1u << TAG_COL | 1u << TAG_K);
    x->row = run_or_unit(x, TAG_ROW, "i", &x->n_rows);
    x->col = run_or_unit(x, TAG_COL, "j", &x->n_cols);
    x->kk = run_or_unit(x, TAG_K, "k", &x->n_k);
    for (uint32_t i = 0; i < x->axes.n; i++)
        if (x->axes.runs[i].tag == TAG_OUTER) x->outer[x->n_outer++] = x->axes.runs[i].axis;
}

/* The contracts of the group, the anchor first. */
static void find_siblings(contract_cx *x) {
    x->siblings[x->n_siblings++].n = x->n;
    for (uint32_t i = 0; i < x->gr->nodes.n && x->n_siblings < MAX_SIBLINGS; i++) {
        const node *n = graph_node(x->e->f->g, x->gr->nodes.at[i]);
        if (n->op == OP_contract && n != x->n) x->siblings[x->n_siblings++].n = n;
    }
}

/* Decides on a kernel that is thrown away, so that the real one has no parameter that it does not read. */
frit_status contract_analyse(contract_cx *x, contract_formula_fn *as_formula, pack_request *pack, bool *out_is_matrix) {
    expander trial, *e = x->e;
    find_siblings(x);
    expander_init(&trial, e->c, e->f, kernel_new(e->k->a, "trial", e->k->dims), e->group);
    x->e = &trial;
    x->k = trial.k;
    TRY(contract_operand(x, 1 - x->b_operand, 0, &x->a));
    TRY(contract_operand(x, x->b_operand, 0, &x->b));
    contract_find_direct(x, &x->a, x->row, false);
    contract_find_direct(x, &x->b, x->col, true);
    TRY(can_pack(x, pack, &x->is_packed));
    bool may_be_formula = as_formula && !x->is_packed && !x->b.is_direct && x->n_siblings == 1;
    if (may_be_formula) TRY(as_formula(x, true, &x->has_weights));
    *out_is_matrix = is_matrix(x);
    x->e = e;
    x->k = e->k;
    return FRIT_OK;
}

unsigned contract_begin(contract_cx *x, expander *e, const target *t, uint8_t *tags) {
    const graph *g = e->f->g;
    const group *gr = &e->f->groups.at[e->group];
    *x = (contract_cx){.e = e, .t = t, .k = e->k, .gr = gr, .n = graph_node(g, gr->anchor), .fill_unroll = 1};
    x->dt = graph_type(g, x->n->out)->dt;
    const dtype in[2] = {graph_type(g, x->n->in[0])->dt, graph_type(g, x->n->in[1])->dt};
    x->k_pack = t->kind == TARGET_CPU ? dtype_k_pack(in[0], in[1]) : 1;
    x->n_axes = contract_axes(x, x->all_axes);
    unsigned col_side = tag_axes(x, tags);
    x->b_operand = col_side == 1 ? 0 : 1;
    return col_side;
}

void contract_become_row(contract_cx *x) {
    group *gr = &x->e->f->groups.at[x->e->group];
    gr->axes = arena_copy(x->e->f->a, x->all_axes, (x->n_axes + 1u) * sizeof *x->all_axes);
    for (uint32_t i = gr->rank; i < x->n_axes; i++) gr->reduced |= 1ull << i;
    gr->rank = x->n_axes;
}
