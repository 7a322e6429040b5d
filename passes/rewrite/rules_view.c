/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rules over views, reductions and contract labels; see rules.def for what each one does. */
#include <string.h>

#include "passes/rewrite/canonicalize.h"

static bool same_shape(const build *b, const tensor_type *x, const tensor_type *y) {
    bool same = x->rank == y->rank;
    for (uint32_t i = 0; same && i < x->rank; i++) same = dim_equal(b->g->dims, x->shape[i], y->shape[i]);
    return same;
}

static bool is_const(const build *b, dim d, int64_t want) {
    int64_t v = 0;
    return dim_is_const(b->g->dims, d, &v) && v == want;
}

/* x when n does not change its shape. */
static value_id unless_it_changes(build *b, const node *n) {
    return same_shape(b, build_type(b, n->in[0]), build_type(b, n->out)) ? n->in[0] : VALUE_NONE;
}

value_id rule_reshape_same(build *b, const node *n) { return unless_it_changes(b, n); }
value_id rule_broadcast_same(build *b, const node *n) { return unless_it_changes(b, n); }

value_id rule_reshape_of_reshape(build *b, const node *n) {
    node inner;
    if (!rule_operand(b, n, 0, OP_reshape, &inner)) return VALUE_NONE;
    const tensor_type *t = build_type(b, n->out);
    return build_reshape(b, inner.in[0], t->rank, t->shape);
}

value_id rule_broadcast_of_broadcast(build *b, const node *n) {
    node inner;
    if (!rule_operand(b, n, 0, OP_broadcast, &inner)) return VALUE_NONE;
    const tensor_type *t = build_type(b, n->out);
    return build_broadcast(b, inner.in[0], t->rank, t->shape);
}

value_id rule_transpose_same(build *b, const node *n) {
    (void)b;
    const attr_perm *a = n->attrs;
    for (uint32_t i = 0; i < a->perm.n; i++)
        if (a->perm.at[i] != (int64_t)i) return VALUE_NONE;
    return n->in[0];
}

value_id rule_transpose_of_transpose(build *b, const node *n) {
    node inner;
    if (!rule_operand(b, n, 0, OP_transpose, &inner)) return VALUE_NONE;
    const attr_perm *p = n->attrs, *q = inner.attrs;
    int64_t perm[MAX_RANK];
    for (uint32_t i = 0; i < p->perm.n; i++) perm[i] = q->perm.at[p->perm.at[i]];
    return build_transpose(b, inner.in[0], perm);
}

value_id rule_transpose_of_units(build *b, const node *n) {
    const attr_perm *a = n->attrs;
    const tensor_type *x = build_type(b, n->in[0]), *t = build_type(b, n->out);
    int64_t last = -1;
    for (uint32_t i = 0; i < a->perm.n; i++) {
        if (is_const(b, x->shape[a->perm.at[i]], 1)) continue;
        if (a->perm.at[i] < last) return VALUE_NONE;
        last = a->perm.at[i];
    }
    return build_reshape(b, n->in[0], t->rank, t->shape);
}

/* x [batch.., M, N] -> [product, M, N] -> [product, N, M] -> [batch.., N, M]: what one exporter writes for k^T. */
value_id rule_reshape_of_transpose_of_reshape(build *b, const node *n) {
    node transpose, merge;
    if (!rule_operand(b, n, 0, OP_transpose, &transpose) || !rule_operand(b, &transpose, 0, OP_reshape, &merge))
        return VALUE_NONE;
    const tensor_type *x = build_type(b, merge.in[0]), *mid = build_type(b, transpose.in[0]),
                      *t = build_type(b, n->out);
    const attr_perm *p = transpose.attrs;
    uint32_t r = x->rank;
    bool fits = mid->rank == 3 && p->perm.at[0] == 0 && p->perm.at[1] == 2 && r >= 3 && t->rank == r;
    if (!fits) return VALUE_NONE;
    dim_table *d = b->g->dims;
    for (uint32_t i = 0; i + 2 < r; i++)
        if (!dim_equal(d, x->shape[i], t->shape[i])) return VALUE_NONE;
    bool is_transposed = dim_equal(d, x->shape[r - 2], mid->shape[1]) && dim_equal(d, x->shape[r - 1], mid->shape[2]) &&
                         dim_equal(d, x->shape[r - 2], t->shape[r - 1]) &&
                         dim_equal(d, x->shape[r - 1], t->shape[r - 2]);
    if (!is_transposed) return VALUE_NONE;
    int64_t perm[MAX_RANK];
    for (uint32_t i = 0; i < r; i++) perm[i] = i;
    perm[r - 2] = r - 1;
    perm[r - 1] = r - 2;
    return build_transpose(b, merge.in[0], perm);
}

value_id rule_slice_full(build *b, const node *n) {
    const attr_slice *a = n->attrs;
    for (uint32_t i = 0; i < a->starts.n; i++)
        if (!is_const(b, a->starts.at[i], 0) || a->steps.at[i] != 1) return VALUE_NONE;
    return unless_it_changes(b, n);
}

value_id rule_slice_of_slice(build *b, const node *n) {
    node inner;
    if (!rule_operand(b, n, 0, OP_slice, &inner)) return VALUE_NONE;
    const attr_slice *p = n->attrs, *q = inner.attrs;
    dim_table *t = b->g->dims;
    dim starts[MAX_RANK];
    int64_t steps[MAX_RANK];
    for (uint32_t i = 0; i < p->starts.n; i++) {
        starts[i] = dim_add(t, q->starts.at[i], dim_mul(t, p->starts.at[i], dim_const(t, q->steps.at[i])));
        if (starts[i] == DIM_BAD || __builtin_mul_overflow(p->steps.at[i], q->steps.at[i], &steps[i]))
            return VALUE_NONE;
        if (steps[i] > INT32_MAX || steps[i] < INT32_MIN) return VALUE_NONE;
    }
    attr_slice a = {.starts = {p->starts.n, starts}, .sizes = p->sizes, .steps = {p->starts.n, steps}};
    return build_node(b, OP_slice, 1, inner.in, &a);
}

value_id rule_pad_nothing(build *b, const node *n) {
    const attr_pad *a = n->attrs;
    for (uint32_t i = 0; i < a->lo.n; i++)
        if (!is_const(b, a->lo.at[i], 0) || !is_const(b, a->hi.at[i], 0)) return VALUE_NONE;
    return n->in[0];
}

value_id rule_window_of_units(build *b, const node *n) {
    const attr_window *a = n->attrs;
    const tensor_type *x = build_type(b, n->in[0]), *t = build_type(b, n->out);
    uint32_t k = a->axes.n;
    for (uint32_t i = 0; i < k; i++) {
        bool is_unit = a->sizes.at[i] == 1 && a->strides.at[i] == 1 && a->pads.at[i] == 0 && a->pads.at[k + i] == 0;
        if (!is_unit || !dim_equal(b->g->dims, a->out.at[i], x->shape[a->axes.at[i]])) return VALUE_NONE;
    }
    return build_reshape(b, n->in[0], t->rank, t->shape);
}

value_id rule_concat_one(build *b, const node *n) {
    (void)b;
    return n->n_in == 1 ? n->in[0] : VALUE_NONE;
}

value_id rule_concat_of_concat(build *b, const node *n) {
    const attr_axis *a = n->attrs;
    for (uint32_t i = 0; i < n->n_in; i++) {
        node inner;
        if (!rule_operand(b, n, i, OP_concat, &inner) || ((const attr_axis *)inner.attrs)->axis != a->axis) continue;
        uint32_t count = n->n_in - 1 + inner.n_in;
        value_id *in = ARENA_ARRAY(b->c->scratch, value_id, count);
        memcpy(in, n->in, i * sizeof *in);
        memcpy(in + i, inner.in, inner.n_in * sizeof *in);
        memcpy(in + i + inner.n_in, n->in + i + 1, (n->n_in - i - 1) * sizeof *in);
        return build_node(b, OP_concat, count, in, a);
    }
    return VALUE_NONE;
}

/* Whether s takes everything of x but on `axis`, where it takes a contiguous piece from `from` on; *out_end is its end.
 */
static bool is_piece(const build *b, const node *s, uint32_t axis, dim from, dim *out_end) {
    const attr_slice *a = s->attrs;
    const tensor_type *x = build_type(b, s->in[0]);
    dim_table *t = b->g->dims;
    for (uint32_t i = 0; i < x->rank; i++) {
        if (a->steps.at[i] != 1) return false;
        bool is_all = is_const(b, a->starts.at[i], 0) && dim_equal(t, a->sizes.at[i], x->shape[i]);
        if (i != axis && !is_all) return false;
    }
    *out_end = dim_add(t, from, a->sizes.at[axis]);
    return dim_equal(t, a->starts.at[axis], from);
}

value_id rule_concat_of_slices(build *b, const node *n) {
    const attr_axis *a = n->attrs;
    dim at = dim_const(b->g->dims, 0);
    value_id x = VALUE_NONE;
    for (uint32_t i = 0; i < n->n_in; i++) {
        node s;
        if (!rule_operand(b, n, i, OP_slice, &s) || (x != VALUE_NONE && s.in[0] != x)) return VALUE_NONE;
        x = s.in[0];
        if (!is_piece(b, &s, (uint32_t)a->axis, at, &at)) return VALUE_NONE;
    }
    return dim_equal(b->g->dims, at, build_type(b, x)->shape[a->axis]) ? x : VALUE_NONE;
}

static bool is_arg(reduce_kind k) {
    return k == RK_argmax || k == RK_argmin || k == RK_argmax_last || k == RK_argmin_last;
}

value_id rule_reduce_nothing(build *b, const node *n) {
    (void)b;
    return ((const attr_reduce *)n->attrs)->axes.n == 0 ? n->in[0] : VALUE_NONE;
}

value_id rule_reduce_units(build *b, const node *n) {
    const attr_reduce *a = n->attrs;
    const tensor_type *x = build_type(b, n->in[0]), *t = build_type(b, n->out);
    if (is_arg(a->kind) || a->axes.n == 0) return VALUE_NONE;
    for (uint32_t i = 0; i < a->axes.n; i++)
        if (!is_const(b, x->shape[a->axes.at[i]], 1)) return VALUE_NONE;
    return build_reshape(b, n->in[0], t->rank, t->shape);
}

value_id rule_gather_one(build *b, const node *n) {
    const attr_axis *a = n->attrs;
    const const_data *d = graph_const(b->g, n->in[1]);
    scalar s = {0};
    if (!d || const_count(d) != 1 || (d->kind == CONST_DENSE && !d->bytes) || !const_is_splat(d, &s)) return VALUE_NONE;
    const tensor_type *t = build_type(b, n->out);
    dim_table *dims = b->g->dims;
    dim extent = build_type(b, n->in[0])->shape[a->axis], at = dim_const(dims, s.i);
    if (s.i < 0) at = dim_add(dims, extent, at);
    bool is_inside = dim_le(dims, dim_const(dims, 0), at) && dim_lt(dims, at, extent);
    if (!is_inside) return VALUE_NONE;
    value_id y = build_slice_axis(b, n->in[0], (uint32_t)a->axis, at, dim_const(dims, 1), 1);
    return build_reshape(b, y, t->rank, t->shape);
}

/* labels of x when the operand is transpose(x): label i of the operand belongs to axis perm[i] of x. */
static void through_transpose(const attr_perm *p, const char *labels, char *out) {
    for (uint32_t i = 0; i < p->perm.n; i++) out[p->perm.at[i]] = labels[i];
    out[p->perm.n] = 0;
}

value_id rule_contract_of_transpose(build *b, const node *n) {
    const attr_contract *a = n->attrs;
    char labels[MAX_RANK + 1];
    for (uint32_t i = 0; i < 2; i++) {
        node inner;
        if (!rule_operand(b, n, i, OP_transpose, &inner)) continue;
        through_transpose(inner.attrs, i ? a->rhs : a->lhs, labels);
        if (i == 0) return build_contract(b, inner.in[0], n->in[1], labels, a->rhs, a->out);
        return build_contract(b, n->in[0], inner.in[0], a->lhs, labels, a->out);
    }
    return VALUE_NONE;
}

value_id rule_transpose_of_contract(build *b, const node *n) {
    node inner;
    if (!rule_operand(b, n, 0, OP_contract, &inner) || !rule_is_last_use(b, n->in[0])) return VALUE_NONE;
    const attr_contract *a = inner.attrs;
    const attr_perm *p = n->attrs;
    char out[MAX_RANK + 1] = "";
    for (uint32_t i = 0; i < p->perm.n; i++) out[i] = a->out[p->perm.at[i]];
    return build_contract(b, inner.in[0], inner.in[1], a->lhs, a->rhs, out);
}

/* The x [.., G, T, D] that v [.., G R, T, D] repeats R times head by head: reshape(broadcast(reshape(x))) over an axis
 * of extent 1 behind G. VALUE_NONE when v is nothing of the kind. */
static value_id unrepeated(const build *b, value_id v) {
    const node *joined = graph_def(b->g, v);
    const node *wide = joined && joined->op == OP_reshape ? graph_def(b->g, joined->in[0]) : NULL;
    const node *split = wide && wide->op == OP_broadcast ? graph_def(b->g, wide->in[0]) : NULL;
    if (!split || split->op != OP_reshape) return VALUE_NONE;
    const tensor_type *x = build_type(b, split->in[0]), *s = build_type(b, wide->in[0]),
                      *w = build_type(b, joined->in[0]);
    const tensor_type *t = build_type(b, v);
    uint32_t r = t->rank, head = r - 3;
    bool fits = r >= 3 && x->rank == r && s->rank == r + 1 && w->rank == r + 1 && is_const(b, s->shape[head + 1], 1);
    for (uint32_t i = 0; fits && i < r; i++) {
        uint32_t k = i <= head ? i : i + 1;
        fits = dim_equal(b->g->dims, x->shape[i], s->shape[k]) && dim_equal(b->g->dims, x->shape[i], w->shape[k]) &&
               (i == head || dim_equal(b->g->dims, x->shape[i], t->shape[i]));
    }
    return fits ? split->in[0] : VALUE_NONE;
}

value_id rule_attend_of_repeated_heads(build *b, const node *n) {
    value_id in[4], k = unrepeated(b, n->in[1]), v = unrepeated(b, n->in[2]);
    if (k == VALUE_NONE || v == VALUE_NONE) return VALUE_NONE;
    dim_table *t = b->g->dims;
    uint32_t head = build_rank(b, k) - 3;
    dim heads = build_type(b, n->in[0])->shape[head], groups = build_type(b, k)->shape[head];
    bool fits = dim_equal(t, groups, build_type(b, v)->shape[head]) && dim_divides(t, groups, heads);
    if (!fits || !dim_equal(t, heads, build_type(b, n->in[1])->shape[head])) return VALUE_NONE;
    memcpy(in, n->in, n->n_in * sizeof *in);
    in[1] = k;
    in[2] = v;
    return build_node(b, OP_attend, n->n_in, in, n->attrs);
}
