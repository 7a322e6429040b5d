/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reductions over a few window axes with vectors along the last kept axis: depthwise convolutions and pooling of images
 * with their channels last. Several neighbouring outputs are computed together, so that a weight is loaded once for all
 * of them and their sums do not wait for each other.
 *
 *   depthwise 3 x 3    par n, p, b { vec c {
 *                        acc s0..s7
 *                        if (block inside)
 *                          seq r { if (row inside) seq s { s0 <- x[..] w[r, s, c]  ..  s7 <- x[..] w[..] } }
 *                        else
 *                          the same with predicated loads
 *                        y[n, p, 8 b + 0, c] = f(s0)  ..  y[n, p, 8 b + 7, c] = f(s7) } }
 *
 * Steps of the window whose operand is padding that changes nothing are left out where that is known for a whole row of
 * the window. Every output is summed in the order of the plain form, so its bits do not depend on the block. */
#include "passes/tree_cpu/tree_row.h"

enum { BLOCK_MOST = 8, BLOCK_LEAST = 4, WINDOW_MOST = 1024, CONDITIONS_MOST = 8 };

/* Comparisons that all have to hold. */
typedef struct conditions {
    uint32_t n;
    kx at[CONDITIONS_MOST];
} conditions;

typedef struct window_cx {
    row_cx *r;
    axis_map whole;                 /* of the domain, over the unsplit axes */
    axis_run rows, inner;           /* the kept run that is blocked; the innermost reduced run */
    dim lane;                       /* the kept axis of the lanes */
    dim block;                      /* axis of the blocks */
    uint32_t size;                  /* outputs of a block */
    conditions hoisted;             /* what makes a whole inner loop padding, when it fails */
    conditions dropped[BLOCK_MOST]; /* per output: what holds where the block lies inside */
    kx inside;                      /* the block lies inside, 0: always or nothing is gained by knowing */
} window_cx;

static bool runs_of(const row_cx *r, uint32_t tag, uint32_t *out_last, uint32_t *out_before) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->axes.n; i++) {
        if (r->axes.runs[i].tag != tag) continue;
        *out_before = *out_last;
        *out_last = i;
        n++;
    }
    return n >= (tag == TAG_KEPT ? 2 : 1);
}

bool row_wants_window(const row_cx *r) {
    uint32_t lane = 0, rows = 0, last = 0, before = 0;
    if (!r->is_column || r->n_levels != 1) return false;
    if (!runs_of(r, TAG_KEPT, &lane, &rows) || !runs_of(r, TAG_REDUCED, &last, &before)) return false;
    for (uint32_t i = 0; i < r->n_members; i++) {
        const node *n = graph_node(r->e->f->g, r->members[i].n);
        if (r->members[i].is_whole && row_is_output(r, n->out)) return false;
    }
    int64_t n, all = 1, lo, hi;
    for (uint32_t i = 0; i < r->axes.n; i++) {
        if (r->axes.runs[i].tag != TAG_REDUCED) continue;
        if (!dim_is_const(r->k->dims, r->axes.runs[i].extent, &n) || n > WINDOW_MOST) return false;
        all *= n;
    }
    dim_bounds(r->k->dims, r->axes.runs[rows].extent, &lo, &hi);
    int64_t lane_lo, lane_hi;
    dim_bounds(r->k->dims, r->axes.runs[lane].extent, &lane_lo, &lane_hi);
    return all <= WINDOW_MOST && hi >= BLOCK_LEAST && lane_hi >= BLOCK_LEAST;
}

/* The largest block that leaves no rest, else the largest that there can be. */
static uint32_t block_size(dim_table *t, dim extent) {
    int64_t n, lo, hi;
    dim_bounds(t, extent, &lo, &hi);
    if (!dim_is_const(t, extent, &n)) return hi < BLOCK_MOST ? (uint32_t)hi : BLOCK_MOST;
    for (int64_t size = BLOCK_MOST; size >= BLOCK_LEAST; size--)
        if (n % size == 0) return (uint32_t)size;
    return BLOCK_MOST;
}

/* ---- padding */

static void add_conditions(const kernel *k, kx cond, conditions *out) {
    const kx_node *n = &k->exprs.at[cond];
    if (!cond) return;
    if (n->kind == KX_OP && n->op == OP_and) {
        add_conditions(k, n->arg[0], out);
        add_conditions(k, n->arg[1], out);
    } else if (out->n < CONDITIONS_MOST)
        out->at[out->n++] = cond;
}

static bool has_condition(const conditions *c, kx cond) {
    for (uint32_t i = 0; i < c->n; i++)
        if (c->at[i] == cond) return true;
    return false;
}

static bool is_number(const kernel *k, kx x, dtype dt, scalar want) {
    const kx_node *n = &k->exprs.at[x];
    if (n->kind != KX_CONST || n->dt != dt) return false;
    return dtype_is_float(dt) ? n->value.f == want.f : n->value.u == want.u;
}

/* The conditions of which each, when it fails, makes x the value `neutral`. */
static void neutral_without(const kernel *k, kx x, scalar neutral, conditions *out) {
    const kx_node *n = &k->exprs.at[x];
    if (n->kind == KX_LOAD && n->pred && is_number(k, n->fill, n->dt, neutral)) add_conditions(k, n->pred, out);
    if (n->kind == KX_OP && n->op == OP_select && is_number(k, n->arg[2], n->dt, neutral))
        add_conditions(k, n->arg[0], out);
    bool is_zero = dtype_is_float(n->dt) && neutral.f == 0; /* zero times a number */
    for (uint32_t i = 0; n->kind == KX_OP && n->op == OP_mul && is_zero && i < 2; i++)
        neutral_without(k, n->arg[i], neutral, out);
}

/* A condition with the conjuncts of `known` left out, 0 when nothing is left. */
static kx without(kernel *k, kx cond, const conditions *known) {
    conditions parts = {0};
    kx left = 0;
    add_conditions(k, cond, &parts);
    if (parts.n == CONDITIONS_MOST) return cond;
    for (uint32_t i = 0; i < parts.n; i++)
        if (!has_condition(known, parts.at[i])) left = kx_and(k, left, parts.at[i]);
    return left;
}

/* x where all conditions of `known` hold. */
static kx where_known(kernel *k, kx x, const conditions *known) {
    kx_node n = k->exprs.at[x];
    if (n.kind == KX_LOAD && n.pred) {
        kx pred = without(k, n.pred, known);
        return kx_load(k, n.ref, n.at, pred, pred ? where_known(k, n.fill, known) : 0);
    }
    if (n.kind != KX_OP) return x;
    if (n.op == OP_select) {
        kx cond = without(k, n.arg[0], known);
        if (!cond) return where_known(k, n.arg[1], known);
        n.arg[0] = cond;
    }
    for (uint32_t i = n.op == OP_select; i < n.n_args; i++) n.arg[i] = where_known(k, n.arg[i], known);
    if (n.op == OP_cast) {
        const attr_cast *cast = n.attrs;
        return kx_cast(k, n.arg[0], n.dt, cast ? cast->saturate : true);
    }
    return n.op == OP_bitcast ? kx_bitcast(k, n.arg[0], n.dt) : kx_op(k, n.op, n.n_args, n.arg);
}

/* ---- one output of a block */

/* Puts output j of the block at hand. */
static void at_output(window_cx *w, dim j) {
    row_cx *r = w->r;
    dim_table *t = r->k->dims;
    sym_id old = axis_sym(r->k, w->rows.axis);
    dim at = dim_add(t, dim_mul(t, w->block, dim_const(t, w->size)), j);
    r->axes = w->whole;
    for (uint32_t i = 0; i < r->axes.n_syms; i++) r->axes.by[i] = dim_subst(t, r->axes.by[i], 1, &old, &at);
    for (uint32_t i = 0; i < r->n_members; i++) r->members[i].let = 0;
    row_forget(r);
}

/* The conditions of output j's reduction m, and its operand. */
static frit_status operand_of(window_cx *w, const member *m, kx *out, conditions *own) {
    scalar neutral;
    *own = (conditions){0};
    TRY(row_reduce_operand(w->r, m, out));
    if (row_neutral(w->r, m, &neutral)) neutral_without(w->r->k, *out, neutral, own);
    return FRIT_OK;
}

/* Side `i` of a comparison of dims; false for any other expression. */
static bool side_of(kernel *k, kx cond, uint32_t i, dim *out) {
    const kx_node *n = &k->exprs.at[cond];
    if (n->kind != KX_OP || n->n_args != 2) return false;
    const kx_node *side = &k->exprs.at[n->arg[i]];
    if (side->kind == KX_CONST && side->dt == FRIT_DT_I64) *out = dim_const(k->dims, side->value.i);
    if (side->kind == KX_INDEX) *out = side->index;
    return side->kind == KX_INDEX || (side->kind == KX_CONST && side->dt == FRIT_DT_I64);
}

/* The condition at the end of the window's inner axis where it is the hardest to meet, so that it holds along all of
 * it; 0 when it is not a comparison of dims linear in the axis. */
static kx hardest(const window_cx *w, kx cond) {
    kernel *k = w->r->k;
    op_code op = k->exprs.at[cond].op;
    sym_id axis = axis_sym(k, w->inner.axis);
    dim sides[2], coeff, rest;
    int64_t slope;
    if (op != OP_lt && op != OP_le && op != OP_gt && op != OP_ge) return 0;
    if (!side_of(k, cond, 0, &sides[0]) || !side_of(k, cond, 1, &sides[1])) return 0;
    bool is_less = op == OP_lt || op == OP_le;
    dim growing = dim_sub(k->dims, sides[!is_less], sides[is_less]); /* what may not become too large */
    if (!dim_linear(k->dims, growing, axis, &coeff, &rest) || !dim_is_const(k->dims, coeff, &slope)) return 0;
    dim end = slope > 0 ? dim_sub(k->dims, w->inner.extent, dim_const(k->dims, 1)) : dim_const(k->dims, 0);
    return kx_subst(k, cond, 1, &axis, &end, NULL, NULL);
}

/* Sorts the conditions of all updates of a block. */
static frit_status find_conditions(window_cx *w) {
    row_cx *r = w->r;
    sym_id inner = axis_sym(r->k, w->inner.axis), lane = axis_sym(r->k, w->lane);
    bool is_first = true;
    for (uint32_t j = 0; j < w->size; j++) {
        at_output(w, dim_const(r->k->dims, j));
        for (uint32_t i = 0; i < r->n_members; i++) {
            conditions own, common = {0};
            kx x, hard;
            if (!r->members[i].is_reduce) continue;
            TRY(operand_of(w, &r->members[i], &x, &own));
            for (uint32_t c = 0; c < own.n; c++) {
                kx cond = own.at[c];
                if (kx_depends(r->k, cond, lane)) continue;
                bool is_outer = !kx_depends(r->k, cond, inner);
                if (is_outer && (is_first || has_condition(&w->hoisted, cond))) common.at[common.n++] = cond;
                if (is_outer || w->dropped[j].n == CONDITIONS_MOST || !(hard = hardest(w, cond))) continue;
                w->dropped[j].at[w->dropped[j].n++] = cond;
                w->inside = kx_and(r->k, w->inside, hard);
            }
            w->hoisted = common;
            is_first = false;
        }
    }
    return FRIT_OK;
}

typedef enum block_form { BLOCK_INSIDE, BLOCK_ANY, BLOCK_ONE } block_form;

/* All outputs of a block, or output `one` of it. */
static frit_status emit_outputs(window_cx *w, klist *l, block_form form, dim one) {
    row_cx *r = w->r;
    uint32_t n = form == BLOCK_ONE ? 1 : w->size;
    acc_id *accs = ARENA_ARRAY(r->k->a, acc_id, n * r->n_members + 1u);
    klist body = {0}, row = {0};
    nest outer = {.k = r->k}, inner = {.k = r->k};
    r->sweep = 0;
    for (uint32_t j = 0; j < n; j++) {
        at_output(w, form == BLOCK_ONE ? one : dim_const(r->k->dims, j));
        row_declare(r, l, false);
        for (uint32_t i = 0; i < r->n_members; i++) {
            conditions own;
            kx x;
            if (!r->members[i].is_reduce) continue;
            accs[j * r->n_members + i] = r->members[i].acc;
            TRY(operand_of(w, &r->members[i], &x, &own));
            x = where_known(r->k, x, &w->hoisted);
            if (form == BLOCK_INSIDE) x = where_known(r->k, x, &w->dropped[j]);
            TRY(row_combine(r, &body, &r->members[i], x));
        }
    }
    nest_push(&inner, KL_SEQ, w->inner.axis, 0, 0);
    nest_close(&inner, body, &row);
    for (uint32_t i = 0; i < r->axes.n; i++)
        if (r->axes.runs[i].tag == TAG_REDUCED && r->axes.runs[i].axis != w->inner.axis)
            nest_push(&outer, KL_SEQ, r->axes.runs[i].axis, 0, 0);
    kx is_row = 0;
    for (uint32_t c = 0; c < w->hoisted.n; c++) is_row = kx_and(r->k, is_row, w->hoisted.at[c]);
    if (is_row) {
        klist guarded = {0};
        klist_close(kstmt_if(r->k, &guarded, is_row), &row);
        row = guarded;
    }
    nest_close(&outer, row, l);
    for (uint32_t j = 0; j < n; j++) {
        at_output(w, form == BLOCK_ONE ? one : dim_const(r->k->dims, j));
        for (uint32_t i = 0; i < r->n_members; i++) r->members[i].acc = accs[j * r->n_members + i];
        TRY(row_keep(r, l, 0));
        TRY(row_keep(r, l, 1));
    }
    return FRIT_OK;
}

/* A whole block: by its faster form where it lies inside. */
static frit_status emit_block(window_cx *w, klist *l) {
    klist fast = {0}, any = {0};
    if (!w->inside) return emit_outputs(w, l, BLOCK_ANY, DIM_BAD);
    TRY(emit_outputs(w, &fast, BLOCK_INSIDE, DIM_BAD));
    TRY(emit_outputs(w, &any, BLOCK_ANY, DIM_BAD));
    kstmt *branch = kstmt_if(w->r->k, l, w->inside);
    klist_close(branch, &fast);
    klist_close_else(branch, &any);
    return FRIT_OK;
}

/* The last block may have fewer outputs: those are computed one by one. */
static frit_status emit_blocks(window_cx *w, klist *l) {
    kernel *k = w->r->k;
    dim_table *t = k->dims;
    dim size = dim_const(t, w->size), from = dim_mul(t, w->block, size);
    if (dim_divides(t, size, w->rows.extent)) return emit_block(w, l);
    klist whole = {0}, rest = {0}, body = {0};
    TRY(emit_block(w, &whole));
    dim one = dim_axis(t, "q", dim_min(t, size, dim_sub(t, w->rows.extent, from)));
    nest each = {.k = k};
    nest_push(&each, KL_SEQ, one, 0, 0);
    TRY(emit_outputs(w, &body, BLOCK_ONE, one));
    nest_close(&each, body, &rest);
    kx is_whole = kx_op(k, OP_le, 2, (kx[]){kx_index(k, dim_add(t, from, size)), kx_index(k, w->rows.extent)});
    kstmt *branch = kstmt_if(k, l, is_whole);
    klist_close(branch, &whole);
    klist_close_else(branch, &rest);
    return FRIT_OK;
}

frit_status row_window_tree(row_cx *r) {
    uint32_t lane = 0, rows = 0, last = 0, before = 0;
    runs_of(r, TAG_KEPT, &lane, &rows);
    runs_of(r, TAG_REDUCED, &last, &before);
    window_cx w = {.r = r,
                   .whole = r->axes,
                   .rows = r->axes.runs[rows],
                   .inner = r->axes.runs[last],
                   .lane = r->axes.runs[lane].axis};
    w.size = block_size(r->k->dims, w.rows.extent);
    w.block = dim_axis(r->k->dims, "b", dim_ceildiv(r->k->dims, w.rows.extent, dim_const(r->k->dims, w.size)));
    nest s = {.k = r->k};
    klist body = {0}, top = {0};
    for (uint32_t i = 0; i < w.whole.n; i++)
        if (w.whole.runs[i].tag == TAG_KEPT && i != lane && i != rows)
            nest_push(&s, KL_PAR, w.whole.runs[i].axis, 0, 0);
    nest_push(&s, KL_PAR, w.block, 0, 0);
    nest_push(&s, KL_VEC, w.lane, r->t->vector_bytes / 4, 1);
    TRY(find_conditions(&w));
    TRY(emit_blocks(&w, &body));
    nest_close(&s, body, &top);
    vec_push(r->k->a, r->k->phases, top.first);
    r->k->schedule = (kschedule){.lanes = r->t->vector_bytes / 4, .unroll = 1, .tile_m = w.size};
    return FRIT_OK;
}
