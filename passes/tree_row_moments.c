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
 * the order of a sum depends on the row's extent alone. A row of one block is summed as in two sweeps. */
#include "passes/tree_row.h"

enum { MOMENTS_BLOCK = 1024 }; /* elements of a block: it and what is written beside it fit the first-level cache */

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

static void later_level(row_cx *r, member *m, void *data) {
    uint32_t *level = data, ready = m->is_whole ? UINT32_MAX : m->level + m->is_reduce;
    (void)r;
    if (ready > *level) *level = ready;
}

/* Whether what the difference is taken about is known when `sum` is, and one value for the row. */
static frit_status is_kept_by(row_cx *r, const node *difference, const member *sum, bool *out) {
    uint32_t level = 0;
    kx about;
    row_each_behind(r, difference->in[1], later_level, &level);
    *out = level <= sum->level + 1;
    if (!*out) return FRIT_OK;
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
        if (!s->is_reduce || s->sum || sum->in[0] != difference->in[0] || !can_shift(r, s)) continue;
        if (!are_same_index(r, sum, n)) continue;
        TRY(is_kept_by(r, difference, s, &is_kept));
        if (!is_kept) continue;
        m->sum = s;
        s->is_shift = true;
        return FRIT_OK;
    }
    return FRIT_OK;
}

frit_status row_find_moments(row_cx *r) {
    uint32_t run, n_found = 0;
    if (r->is_cuda || r->is_column || !row_is_one_run(r, TAG_REDUCED, &run) || row_bound(r) <= MOMENTS_BLOCK)
        return FRIT_OK;
    for (uint32_t i = 0; i < r->n_members; i++) {
        if (!r->members[i].is_reduce) continue;
        TRY(find_sum(r, &r->members[i]));
        if (!r->members[i].sum) continue;
        n_found++;
        row_find_levels(r);
    }
    if (!n_found) return FRIT_OK;
    axis_split(r->k, r->axes.runs[run].extent, MOMENTS_BLOCK, &r->block, &r->column);
    dim n_blocks = axis_extent(r->k, r->block);
    for (uint32_t i = 0; i < r->n_members; i++) {
        member *m = &r->members[i];
        dtype dt = graph_type(r->e->f->g, graph_node(r->e->f->g, m->n)->out)->dt;
        const dim *shape = arena_copy(r->k->a, &n_blocks, sizeof n_blocks);
        if (m->is_shift) m->means = kernel_local(r->k, "means", dt, KB_TILE, 1, shape);
    }
    return FRIT_OK;
}

bool row_has_moments(const row_cx *r, uint32_t sweep) {
    for (uint32_t i = 0; i < r->n_members; i++)
        if (r->members[i].is_shift && r->members[i].level == sweep) return true;
    return false;
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

/* The block's mean, kept for the end of the row; its sum goes to the row's. */
static kx close_sum(row_cx *r, klist *l, const member *m) {
    dtype dt = graph_type(r->e->f->g, graph_node(r->e->f->g, m->n)->out)->dt;
    kx part = kx_acc(r->k, m->part, 0);
    kx mean = kstmt_let(r->k, l, "mean", kx_op(r->k, OP_div, 2, (kx[]){part, block_size(r, dt)}));
    kstmt_store(r->k, l, m->means, &r->block, mean, 0);
    kstmt_update(r->k, l, m->acc, (kx[COMBINE_MAX]){part});
    return mean;
}

frit_status row_close_block(row_cx *r, klist *l) {
    klist body = {0};
    nest lanes = {.k = r->k};
    kx *means = ARENA_ARRAY(r->k->a, kx, r->n_members + 1u), x;
    for (uint32_t i = 0; i < r->n_members; i++)
        if (r->members[i].is_shift && r->members[i].level == r->sweep) means[i] = close_sum(r, l, &r->members[i]);
    nest_push(&lanes, KL_VEC, r->column, r->lanes / ROW_UNROLL, ROW_UNROLL);
    for (uint32_t i = 0; i < r->n_members; i++) {
        const member *m = &r->members[i];
        if (!m->sum || m->level != r->sweep) continue;
        row_forget(r);
        TRY(row_reduce_operand(r, m->sum, &x));
        kx square = square_of_difference(r->k, x, means[m->sum - r->members]);
        kstmt_update(r->k, &body, m->acc, (kx[COMBINE_MAX]){square});
    }
    nest_close(&lanes, body, l);
    return FRIT_OK;
}

frit_status row_squares(row_cx *r, klist *l, const member *m, kx *out) {
    const node *n = graph_node(r->e->f->g, m->n);
    dtype dt = graph_type(r->e->f->g, n->out)->dt;
    klist body = {0};
    nest blocks = {.k = r->k};
    kx about, squares = kx_acc(r->k, m->acc, 0);
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
