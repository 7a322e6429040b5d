/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rows whose sums and squares about them come from one sweep over memory. A sum of u and a sum of (u - c)^2, where c is
 * known when the first is finished, would be two sweeps; long rows have left the first-level cache before the second.
 * Here the squares are taken block by block about each block's own mean, while the block is in that cache:
 *
 *   layer norm           par r { acc s; acc q
 *     s[r] = sum x         seq b { acc p; vec c { p <- x }
 *     c[r] = s / n                 let m = p / size(b); means[b] = m; s <- p
 *     v[r] = sum (x - c)^2         vec c { q <- (x - m)^2 } }
 *                          let c = s / n; acc d; seq b { d <- size(b) * (means[b] - c)^2 }; let v = q + d
 *
 * sum (x - c)^2 over a block is its squares about its mean and size * (mean - c)^2 (Chan, Golub and LeVeque 1979), for
 * any c; all terms are positive, so nothing cancels that did not in two sweeps. Blocks begin at absolute multiples, so
 * the order of a sum depends on the row's extent alone.
 *
 * Short rows stay in the cache, so two sweeps do, unless they are to overlap (tree_row_pipe.c): then the row is one
 * block, and the squares are taken about c itself, as two sweeps take them. */
#include "passes/tree_cpu/tree_row.h"

enum {
    MOMENTS_BLOCK = 256,  /* elements of a block: the two loops over one are short enough to overlap in the core */
    MOMENTS_SHORT = 2048, /* a row of at most this is one block */
};

static void is_made_of_slow(row_cx *r, member *m, void *data) {
    const node *n = graph_node(r->e->f->g, m->n);
    bool *is_slow = data;
    if (!m->is_whole) return;
    if (op_is(n->op, OPF_SLOW)) *is_slow = true;
    for (uint32_t i = 0; i < n->n_in && !*is_slow; i++) row_each_behind(r, n->in[i], is_made_of_slow, is_slow);
}

/* A sum of single or double numbers that are cheap enough to compute twice. */
static bool can_shift(row_cx *r, const member *m) {
    const node *n = graph_node(r->e->f->g, m->n);
    bool is_slow = false;
    if (n->op != OP_reduce || ((const attr_reduce *)n->attrs)->kind != RK_sum) return false;
    dtype dt = graph_type(r->e->f->g, n->in[0])->dt;
    if (dt != FRIT_DT_F32 && dt != FRIT_DT_F64) return false;
    row_each_behind(r, n->in[0], is_made_of_slow, &is_slow);
    return !is_slow;
}

/* The difference whose squares n sums; NULL: none, or not one of this group's. */
static const node *squared_difference(const row_cx *r, const node *n) {
    const graph *g = r->e->f->g;
    const node *square = graph_def(g, n->in[0]);
    if (!square || square->op != OP_mul || square->in[0] != square->in[1] || !row_member(r, square->out)) return NULL;
    const node *difference = graph_def(g, square->in[0]);
    if (!difference || difference->op != OP_sub || !row_member(r, difference->out)) return NULL;
    return difference;
}

static bool are_same_index(const row_cx *r, const node *a, const node *b) {
    const dim *x = r->e->f->in_index[graph_value(r->e->f->g, a->out)->def];
    const dim *y = r->e->f->in_index[graph_value(r->e->f->g, b->out)->def];
    const tensor_type *s = graph_type(r->e->f->g, a->in[0]), *t = graph_type(r->e->f->g, b->in[0]);
    if (s->rank != t->rank) return false;
    for (uint32_t i = 0; i < s->rank; i++)
        if (s->shape[i] != t->shape[i] || x[i] != y[i]) return false;
    return true;
}

static void is_made_of_squares(row_cx *r, member *m, void *data) {
    const node *n = graph_node(r->e->f->g, m->n);
    bool *has_squares = data;
    if (m->sum) *has_squares = true;
    for (uint32_t i = 0; i < n->n_in && !m->is_reduce && !m->is_whole; i++)
        row_each_behind(r, n->in[i], is_made_of_squares, has_squares);
}

/* Whether the difference is taken about one value for the row, which is known without other squares. */
static frit_status is_about_kept(row_cx *r, const node *difference, bool *out) {
    bool has_squares = false;
    kx about;
    row_each_behind(r, difference->in[1], is_made_of_squares, &has_squares);
    *out = !has_squares;
    r->is_probe = true;
    TRY(row_operand(r, difference, 1, &about));
    r->is_probe = false;
    row_forget(r);
    for (uint32_t i = 0; i < r->axes.n; i++)
        if (r->axes.runs[i].tag == TAG_REDUCED && kx_depends(r->k, about, axis_sym(r->k, r->axes.runs[i].axis)))
            *out = false;
    return FRIT_OK;
}

/* The sum that m holds the squares about, if there is one. */
static frit_status find_sum(row_cx *r, member *m) {
    const node *n = graph_node(r->e->f->g, m->n);
    if (!can_shift(r, m)) return FRIT_OK;
    const node *difference = squared_difference(r, n);
    for (member *s = r->members; difference && s < m; s++) {
        const node *sum = graph_node(r->e->f->g, s->n);
        bool is_kept;
        if (!s->is_reduce || m->level != s->level + 1 || sum->in[0] != difference->in[0]) continue;
        if (!can_shift(r, s) || !are_same_index(r, sum, n)) continue;
        TRY(is_about_kept(r, difference, &is_kept));
        if (!is_kept) continue;
        m->sum = s;
        s->is_shift = true;
        return FRIT_OK;
    }
    return FRIT_OK;
}

/* Long rows gain always; short ones by overlapping alone, when they wait for memory. */
static bool is_worth_blocks(const row_cx *r) {
    if (row_bound(r) > MOMENTS_SHORT) return true;
    return row_n_large(r, true) && row_n_large(r, false);
}

static bool is_one_block(const row_cx *r) { return dim_is_const(r->k->dims, r->block, NULL); }

static void split_row(row_cx *r, const axis_run *run) {
    r->block = dim_const(r->k->dims, 0);
    r->column = run->axis;
    if (row_bound(r) <= MOMENTS_SHORT) return;
    axis_split(r->k, run->extent, MOMENTS_BLOCK, &r->block, &r->column);
    dim n_blocks = axis_extent(r->k, r->block);
    for (uint32_t i = 0; i < r->n_members; i++) {
        member *m = &r->members[i];
        dtype dt = graph_type(r->e->f->g, graph_node(r->e->f->g, m->n)->out)->dt;
        const dim *shape = arena_copy(r->k->a, &n_blocks, sizeof n_blocks);
        if (m->is_shift) m->means = kernel_local(r->k, "means", dt, KB_TILE, 1, shape);
    }
}

void row_enter_block(row_cx *r) {
    dim_table *t = r->k->dims;
    uint32_t run = 0;
    row_is_one_run(r, TAG_REDUCED, &run);
    dim whole = dim_add(t, dim_mul(t, r->block, dim_const(t, MOMENTS_BLOCK)), r->column);
    sym_id old = axis_sym(r->k, r->axes.runs[run].axis);
    for (uint32_t i = 0; i < r->axes.n_syms; i++) r->axes.by[i] = dim_subst(t, r->axes.by[i], 1, &old, &whole);
    r->axes.runs[run].axis = whole;
    row_forget(r);
}

void row_open_block(row_cx *r, klist *l) {
    for (uint32_t i = 0; i < r->n_members; i++) {
        member *m = &r->members[i];
        if (!m->is_shift || m->level != r->sweep) continue;
        dtype dt = graph_type(r->e->f->g, graph_node(r->e->f->g, m->n)->out)->dt;
        m->part = kernel_acc(r->k, "part", COMBINE_sum, dt, r->lanes);
        kstmt_acc(r->k, l, m->part);
    }
}

/* Elements of the block at hand. */
static kx block_size(const row_cx *r, dtype dt) {
    return kx_cast(r->k, kx_index(r->k, axis_extent(r->k, r->column)), dt, true);
}

static kx square_of_difference(kernel *k, kx a, kx b) {
    kx d = kx_op(k, OP_sub, 2, (kx[]){a, b});
    return kx_op(k, OP_mul, 2, (kx[]){d, d});
}

/* The block's sum goes to the row's, its mean is kept for the end of the row. */
static void close_sum(row_cx *r, klist *l, member *m) {
    dtype dt = graph_type(r->e->f->g, graph_node(r->e->f->g, m->n)->out)->dt;
    kx part = kx_acc(r->k, m->part, 0);
    kstmt_update(r->k, l, m->acc, (kx[COMBINE_MAX]){part});
    if (is_one_block(r)) return;
    m->mean = kstmt_let(r->k, l, "mean", kx_op(r->k, OP_div, 2, (kx[]){part, block_size(r, dt)}));
    kstmt_store(r->k, l, m->means, &r->block, m->mean, 0);
}

/* What the squares of the block at hand are taken about: its mean, or in a row of one block what the row's are. */
static frit_status block_about(row_cx *r, klist *l, const member *m, kx *out) {
    *out = m->sum->mean;
    if (!is_one_block(r)) return FRIT_OK;
    uint32_t fresh = r->fresh;
    r->fresh = r->sweep + 1;
    TRY(row_operand(r, squared_difference(r, graph_node(r->e->f->g, m->n)), 1, out));
    *out = kstmt_let(r->k, l, "about", *out);
    r->fresh = fresh;
    row_forget(r);
    return FRIT_OK;
}

frit_status row_close_block(row_cx *r, klist *l) {
    klist body = {0};
    nest lanes = {.k = r->k};
    kx x, about;
    for (uint32_t i = 0; i < r->n_members; i++)
        if (r->members[i].is_shift && r->members[i].level == r->sweep) close_sum(r, l, &r->members[i]);
    nest_push(&lanes, KL_VEC, r->column, r->lanes / ROW_UNROLL, ROW_UNROLL);
    lanes.loops[lanes.n - 1]->u.loop.prefetch = r->prefetch;
    for (uint32_t i = 0; i < r->n_members; i++) {
        const member *m = &r->members[i];
        if (!m->sum || m->level != r->sweep) continue;
        TRY(block_about(r, l, m, &about));
        TRY(row_reduce_operand(r, m->sum, &x));
        kx square = square_of_difference(r->k, x, about);
        kstmt_update(r->k, &body, m->acc, (kx[COMBINE_MAX]){square});
    }
    nest_close(&lanes, body, l);
    return FRIT_OK;
}

static frit_status sweep_blocks(row_cx *r, klist *l) {
    const axis_map whole = r->axes;
    nest blocks = {.k = r->k}, lanes = {.k = r->k};
    klist block = {0}, body = {0};
    row_declare(r, l, true);
    row_enter_block(r);
    row_open_block(r, &block);
    nest_push(&lanes, KL_VEC, r->column, r->lanes / ROW_UNROLL, ROW_UNROLL);
    TRY(row_sweep_body(r, &body));
    nest_close(&lanes, body, &block);
    TRY(row_close_block(r, &block));
    nest_push(&blocks, KL_SEQ, r->block, 0, 0);
    nest_close(&blocks, block, l);
    r->axes = whole;
    row_forget(r);
    return FRIT_OK;
}

static frit_status squares_of_row(row_cx *r, klist *l, const member *m, kx *out) {
    const node *n = graph_node(r->e->f->g, m->n);
    dtype dt = graph_type(r->e->f->g, n->out)->dt;
    klist body = {0};
    nest blocks = {.k = r->k};
    kx about, squares = *out = kx_acc(r->k, m->acc, 0);
    if (is_one_block(r)) return FRIT_OK;
    TRY(row_operand(r, squared_difference(r, n), 1, &about));
    about = kstmt_let(r->k, l, "about", about);
    acc_id apart = kernel_acc(r->k, "apart", COMBINE_sum, dt, 1);
    kstmt_acc(r->k, l, apart);
    kx mean = kx_load(r->k, m->sum->means, &r->block, 0, 0);
    kx term = kx_op(r->k, OP_mul, 2, (kx[]){block_size(r, dt), square_of_difference(r->k, mean, about)});
    kstmt_update(r->k, &body, apart, (kx[COMBINE_MAX]){term});
    nest_push(&blocks, KL_SEQ, r->block, 0, 0);
    nest_close(&blocks, body, l);
    *out = kx_op(r->k, OP_add, 2, (kx[]){squares, kx_acc(r->k, apart, 0)});
    return FRIT_OK;
}

frit_status row_find_moments(row_cx *r) {
    static const row_moments moments = {sweep_blocks, squares_of_row};
    uint32_t run, n_found = 0;
    r->moments = &moments;
    if (r->is_column || !row_is_one_run(r, TAG_REDUCED, &run) || !is_worth_blocks(r)) return FRIT_OK;
    for (uint32_t i = 0; i < r->n_members; i++) {
        if (!r->members[i].is_reduce) continue;
        TRY(find_sum(r, &r->members[i]));
        if (!r->members[i].sum) continue;
        n_found++;
        row_find_levels(r);
    }
    if (n_found) split_row(r, &r->axes.runs[run]);
    return FRIT_OK;
}
