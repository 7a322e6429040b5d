/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loop trees of single nodes that are neither maps nor reductions of a box: running reductions, top-k, scatter.
 *
 *   scan     par outer { acc; seq i along the axis { acc <- x[i]; y[i] = acc } }
 *   top-k    par outer { seq r < k { best element after the last one chosen, in (value, index) order } }
 *   nonzero  acc; seq all elements { if x[i] { y[.., acc] = i; acc <- 1 } }: the walker knows their number already
 *   scatter  phase 1 copies x; phase 2 writes the updates one after the other, in index order */
#include "passes/tree/tree.h"

#include <math.h>

#include "passes/tree/axes.h"
#include "passes/tree/terms.h"

enum { COPY_THREADS = 256 };

static void end_phase(kernel *k, nest *s, klist body) {
    klist top = {0};
    nest_close(s, body, &top);
    vec_push(k->a, k->phases, top.first);
}

static combiner scan_combiner(reduce_kind kind) {
    return kind == RK_prod ? COMBINE_prod : kind == RK_max ? COMBINE_max : kind == RK_min ? COMBINE_min : COMBINE_sum;
}

static frit_status stage_scan(expander *e, const group *gr, const node *n) {
    kernel *k = e->k;
    const attr_scan *a = n->attrs;
    const tensor_type *type = graph_type(e->f->g, n->out);
    dim at[MAX_RANK];
    nest s = {.k = k}, along = {.k = k};
    klist body = {0}, step = {0};
    for (uint32_t i = 0; i < gr->rank; i++) {
        at[i] = gr->axes[i];
        if (i != (uint32_t)a->axis) nest_push(&s, KL_PAR, gr->axes[i], 0, 0);
    }
    dim i = gr->axes[a->axis], last = dim_sub(k->dims, type->shape[a->axis], dim_const(k->dims, 1));
    if (a->reverse) at[a->axis] = dim_sub(k->dims, last, i);
    kx x[COMBINE_MAX] = {0};
    TRY(expand(e, n->in[0], at, 0, &x[0]));
    acc_id acc = kernel_acc(k, "acc", scan_combiner(a->kind), type->dt, 1);
    kstmt_acc(k, &body, acc);
    if (a->exclusive) expander_store(e, &step, n->out, at, kx_acc(k, acc, 0), 0);
    kstmt_update(k, &step, acc, x);
    if (!a->exclusive) expander_store(e, &step, n->out, at, kx_acc(k, acc, 0), 0);
    nest_push(&along, KL_SEQ, i, 0, 0);
    nest_close(&along, step, &body);
    end_phase(k, &s, body);
    return FRIT_OK;
}

/* Whether (x, i) comes after (lx, li) in the order of the selection: worse value, or equal with a higher index. NaN is
 * best. */
static kx comes_after(kernel *k, bool largest, kx x, kx i, kx lx, kx li) {
    kx worse = op2(k, largest ? OP_lt : OP_gt, x, lx);
    kx same = op2(k, OP_and, op2(k, OP_eq, x, lx), op2(k, OP_gt, i, li));
    kx after = op2(k, OP_or, worse, same);
    if (!dtype_is_float(kx_dtype(k, x))) return after;
    kx nan_x = op2(k, OP_ne, x, x), nan_l = op2(k, OP_ne, lx, lx);
    kx both = op2(k, OP_and, op2(k, OP_and, nan_x, nan_l), op2(k, OP_gt, i, li));
    kx leaves = op2(k, OP_and, nan_l, op2(k, OP_eq, x, x));
    return op2(k, OP_or, after, op2(k, OP_or, both, leaves));
}

/* Among the smallest NaN comes last: there its key is infinity, and its index counts from the axis' extent on, behind
 * that of every infinity. */
static void topk_keys(kernel *k, dim extent, kx *x, kx *index) {
    dtype dt = kx_dtype(k, *x);
    kx is_nan = op2(k, OP_ne, *x, *x), behind = op2(k, OP_add, *index, kx_index(k, extent));
    kx pick[3] = {is_nan, kx_number(k, dt, (double)INFINITY), *x}, pick_i[3] = {is_nan, behind, *index};
    *x = kx_op(k, OP_select, 3, pick);
    *index = kx_op(k, OP_select, 3, pick_i);
}

/* The index that a key of topk_keys stands for. */
static kx topk_index(kernel *k, dim extent, kx key) {
    kx n = kx_index(k, extent), pick[3] = {op2(k, OP_ge, key, n), op2(k, OP_sub, key, n), key};
    return kx_op(k, OP_select, 3, pick);
}

static frit_status stage_topk(expander *e, const group *gr, const node *n) {
    kernel *k = e->k;
    const attr_topk *a = n->attrs;
    const tensor_type *in = graph_type(e->f->g, n->in[0]);
    uint32_t axis = (uint32_t)a->axis;
    dim at[MAX_RANK], one = dim_const(k->dims, 1), zero = dim_const(k->dims, 0);
    nest s = {.k = k}, ranks = {.k = k}, along = {.k = k};
    klist body = {0}, rank_body = {0}, step = {0};
    for (uint32_t i = 0; i < gr->rank; i++) {
        at[i] = gr->axes[i];
        if (i != axis) nest_push(&s, KL_PAR, gr->axes[i], 0, 0);
    }
    buf_id last_x = kernel_local(k, "last_x", in->dt, KB_TILE, 1, arena_copy(k->a, &one, sizeof one));
    buf_id last_i = kernel_local(k, "last_i", FRIT_DT_I64, KB_TILE, 1, arena_copy(k->a, &one, sizeof one));
    combiner comb = a->largest ? COMBINE_argmax : COMBINE_argmin;
    bool has_keys = !a->largest && dtype_is_float(in->dt);
    kstmt_store(k, &body, last_x, &zero, kx_number(k, in->dt, 0), 0);
    kstmt_store(k, &body, last_i, &zero, kx_index(k, dim_const(k->dims, -1)), 0);
    dim r = gr->axes[axis], i = dim_axis(k->dims, "i", in->shape[axis]);
    acc_id best = kernel_acc(k, "best", comb, in->dt, 1);
    kstmt_acc(k, &rank_body, best);
    at[axis] = i;
    kx x, index = kx_index(k, i);
    TRY(expand(e, n->in[0], at, 0, &x));
    if (has_keys) topk_keys(k, in->shape[axis], &x, &index);
    kx after = comes_after(k, a->largest, x, index, kx_load(k, last_x, &zero, 0, 0), kx_load(k, last_i, &zero, 0, 0));
    kx is_first = op2(k, OP_eq, kx_index(k, r), kx_index(k, zero));
    kx pick[3] = {op2(k, OP_or, is_first, after), x, kx_const(k, in->dt, combiner_identity(comb, 0, in->dt))};
    kx pick_i[3] = {pick[0], index, kx_const(k, FRIT_DT_I64, combiner_identity(comb, 1, FRIT_DT_I64))};
    kx update[COMBINE_MAX] = {kx_op(k, OP_select, 3, pick), kx_op(k, OP_select, 3, pick_i)};
    kstmt_update(k, &step, best, update);
    nest_push(&along, KL_SEQ, i, 0, 0);
    nest_close(&along, step, &rank_body);
    kx chosen = kx_acc(k, best, 0), chosen_i = kx_acc(k, best, 1);
    if (has_keys) { /* infinity may stand for NaN */
        chosen_i = topk_index(k, in->shape[axis], chosen_i);
        at[axis] = kx_loaded(k, chosen_i, in->shape[axis], "chosen");
        TRY(expand(e, n->in[0], at, 0, &chosen));
    }
    at[axis] = r;
    kstmt_store(k, &rank_body, last_x, &zero, kx_acc(k, best, 0), 0);
    kstmt_store(k, &rank_body, last_i, &zero, kx_acc(k, best, 1), 0);
    expander_store(e, &rank_body, n->out, at, chosen, 0);
    expander_store(e, &rank_body, n->out + 1, at, chosen_i, 0);
    nest_push(&ranks, KL_SEQ, r, 0, 0);
    nest_close(&ranks, rank_body, &body);
    end_phase(k, &s, body);
    return FRIT_OK;
}

/* Where update element `axes` (over the updates' shape) goes in x. */
static frit_status scatter_index(expander *e, const node *n, const dim *axes, dim *out) {
    const graph *g = e->f->g;
    dim_table *t = g->dims;
    const attr_scatter *a = n->attrs;
    const tensor_type *x = graph_type(g, n->in[0]), *i = graph_type(g, n->in[1]);
    kx index;
    if (n->op == OP_scatter_elements) {
        for (uint32_t d = 0; d < x->rank; d++) out[d] = axes[d];
        TRY(expand(e, n->in[1], axes, 0, &index));
        out[a->axis] = kx_as_index(e->k, index, x->shape[a->axis], "to");
        return FRIT_OK;
    }
    uint32_t lead = i->rank - 1;
    int64_t depth = 0;
    dim at[MAX_RANK];
    if (!dim_is_const(t, i->shape[lead], &depth))
        return FAIL(e->c, UNSUPPORTED, NULL, "scatter_nd: the depth of its indices must be constant");
    for (uint32_t d = 0; d < lead; d++) at[d] = axes[d];
    for (uint32_t d = 0; d < (uint32_t)depth; d++) {
        at[lead] = dim_const(t, d);
        TRY(expand(e, n->in[1], at, 0, &index));
        out[d] = kx_as_index(e->k, index, x->shape[d], "to");
    }
    for (uint32_t d = (uint32_t)depth; d < x->rank; d++) out[d] = axes[lead + d - (uint32_t)depth];
    return FRIT_OK;
}

static kx scatter_value(kernel *k, scatter_mode mode, kx old, kx update) {
    switch (mode) {
    case SM_set:
        return update;
    case SM_add:
        return op2(k, OP_add, old, update);
    case SM_mul:
        return op2(k, OP_mul, old, update);
    case SM_min:
        return op2(k, OP_min, old, update);
    case SM_max:
        return op2(k, OP_max, old, update);
    }
    return update;
}

static void emit_copy(expander *e, const group *gr, value_id to, kx x, const target *t) {
    bool is_cuda = t->kind == TARGET_CUDA;
    nest s = {.k = e->k};
    klist body = {0};
    for (uint32_t i = 0; i + 1 < gr->rank; i++) nest_push(&s, KL_PAR, gr->axes[i], 0, 0);
    if (gr->rank)
        nest_push(&s, is_cuda ? KL_THREAD : KL_VEC, gr->axes[gr->rank - 1],
                  is_cuda ? COPY_THREADS : t->vector_bytes / 4, is_cuda ? 0 : 1);
    expander_store(e, &body, to, gr->axes, x, 0);
    end_phase(e->k, &s, body);
}

static frit_status stage_scatter(expander *e, const group *gr, const node *n, const target *t) {
    kernel *k = e->k;
    const attr_scatter *a = n->attrs;
    const tensor_type *updates = graph_type(e->f->g, n->in[2]);
    kx x, update;
    TRY(expand(e, n->in[0], gr->axes, 0, &x));
    emit_copy(e, gr, n->out, x, t);
    dim axes[MAX_RANK], to[MAX_RANK];
    nest s = {.k = k};
    klist body = {0};
    for (uint32_t i = 0; i < updates->rank; i++) {
        axes[i] = dim_axis(k->dims, "u", updates->shape[i]);
        nest_push(&s, KL_SEQ, axes[i], 0, 0);
    }
    TRY(scatter_index(e, n, axes, to));
    TRY(expand(e, n->in[2], axes, 0, &update));
    buf_id out = expander_param(e, n->out, true);
    kx old = a->mode == SM_set ? update : kx_load(k, out, to, 0, 0);
    kstmt_store(k, &body, out, to, scatter_value(k, a->mode, old, update), 0);
    end_phase(k, &s, body);
    return FRIT_OK;
}

/* x with the block y written at starts: each element reads one of the two. */
static frit_status stage_update(expander *e, const group *gr, const node *n, const target *t) {
    kernel *k = e->k;
    const attr_update *a = n->attrs;
    const tensor_type *y = graph_type(e->f->g, n->in[1]);
    dim at[MAX_RANK];
    kx inside = 0, old, new_value;
    for (uint32_t i = 0; i < gr->rank; i++) {
        at[i] = dim_sub(k->dims, gr->axes[i], a->starts.at[i]);
        inside = kx_and(k, inside, kx_in_range(k, at[i], dim_const(k->dims, 0), y->shape[i]));
    }
    TRY(expand(e, n->in[0], gr->axes, 0, &old));
    TRY(expand(e, n->in[1], at, inside, &new_value));
    kx pick[3] = {inside, new_value, old};
    emit_copy(e, gr, n->out, inside ? kx_op(k, OP_select, 3, pick) : new_value, t);
    return FRIT_OK;
}

static frit_status stage_nonzero(expander *e, const node *n) {
    kernel *k = e->k;
    const tensor_type *type = graph_type(e->f->g, n->in[0]), *found = graph_type(e->f->g, n->out);
    dim axes[MAX_RANK], at[2];
    nest s = {.k = k};
    klist body = {0}, step = {0};
    for (uint32_t i = 0; i < type->rank; i++) {
        axes[i] = dim_axis(k->dims, "i", type->shape[i]);
        nest_push(&s, KL_SEQ, axes[i], 0, 0);
    }
    kx x;
    TRY(expand(e, n->in[0], axes, 0, &x));
    kx is_found = kx_dtype(k, x) == FRIT_DT_BOOL ? x : op2(k, OP_ne, x, kx_number(k, kx_dtype(k, x), 0));
    acc_id count = kernel_acc(k, "count", COMBINE_sum, FRIT_DT_I64, 1);
    kstmt_acc(k, &body, count);
    at[1] = kx_loaded(k, kx_acc(k, count, 0), found->shape[1], "to");
    kstmt *branch = kstmt_if(k, &step, is_found);
    klist then = {0};
    for (uint32_t i = 0; i < type->rank; i++) {
        at[0] = dim_const(k->dims, i);
        expander_store(e, &then, n->out, at, kx_index(k, axes[i]), 0);
    }
    kx one[COMBINE_MAX] = {kx_number(k, FRIT_DT_I64, 1)};
    kstmt_update(k, &then, count, one);
    klist_close(branch, &then);
    nest_close(&s, step, &body);
    vec_push(k->a, k->phases, body.first);
    return FRIT_OK;
}

frit_status tree_stage(expander *e, const target *t) {
    const group *gr = &e->f->groups.at[e->group];
    const node *n = graph_node(e->f->g, gr->anchor);
    if (n->op == OP_scan) return stage_scan(e, gr, n);
    if (n->op == OP_topk) return stage_topk(e, gr, n);
    if (n->op == OP_scatter_elements || n->op == OP_scatter_nd) return stage_scatter(e, gr, n, t);
    if (n->op == OP_update) return stage_update(e, gr, n, t);
    if (n->op == OP_nonzero) return stage_nonzero(e, n);
    return FAIL(e->c, UNSUPPORTED, e->f->g->locs.at[n->loc], "operator '%s' is not supported by the code generator yet",
                op_name(n->op));
}
