/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "ir/graph/view_index.h"

#include <string.h>

bool view_is_plain(const node *n) {
    return n && op_is(n->op, OPF_VIEW) && n->op != OP_concat && n->op != OP_pad && n->op != OP_window;
}

value_id view_base(const graph *g, value_id v) {
    for (const node *n = graph_def(g, v); view_is_plain(n); n = graph_def(g, v)) v = n->in[0];
    return v;
}

/* ---- reshapes: runs of axes with equal products are mapped on their own, so that axes that did not change stay plain
 * symbols. */

/* One of the two shapes of a reshape, during a walk over its runs. */
typedef struct reshape_side {
    const tensor_type *type;
    uint32_t first, end; /* axes of the run at hand */
    dim product;
} reshape_side;

static void side_grow(dim_table *t, reshape_side *s) { s->product = dim_mul(t, s->product, s->type->shape[s->end++]); }

/* Extends both sides to the next run of equal products; the last run takes all that is left. */
static void next_run(dim_table *t, reshape_side *a, reshape_side *b) {
    a->first = a->end;
    b->first = b->end;
    a->product = b->product = dim_const(t, 1);
    if (a->end < a->type->rank) side_grow(t, a);
    if (b->end < b->type->rank) side_grow(t, b);
    while (!dim_equal(t, a->product, b->product)) {
        dim ratio;
        bool a_left = a->end < a->type->rank, b_left = b->end < b->type->rank;
        if (!a_left && !b_left) return;
        if (a_left && (!b_left || dim_div_exact(t, b->product, a->product, &ratio)))
            side_grow(t, a);
        else if (b_left && (!a_left || dim_div_exact(t, a->product, b->product, &ratio)))
            side_grow(t, b);
        else {
            while (a->end < a->type->rank) side_grow(t, a);
            while (b->end < b->type->rank) side_grow(t, b);
            return;
        }
    }
    /* extents of 1 behind a closed run belong to it: they map to index 0 */
    while (a->end < a->type->rank && dim_is_const(t, a->type->shape[a->end], NULL) &&
           dim_equal(t, a->type->shape[a->end], dim_const(t, 1)))
        side_grow(t, a);
    while (b->end < b->type->rank && dim_is_const(t, b->type->shape[b->end], NULL) &&
           dim_equal(t, b->type->shape[b->end], dim_const(t, 1)))
        side_grow(t, b);
}

/* The one axis of the run whose extent is not 1, or UINT32_MAX when there are several; `none` when there is none. */
static uint32_t only_axis(dim_table *t, const reshape_side *s, bool *none) {
    uint32_t found = UINT32_MAX;
    *none = true;
    for (uint32_t i = s->first; i < s->end; i++) {
        if (dim_equal(t, s->type->shape[i], dim_const(t, 1))) continue;
        if (!*none) return UINT32_MAX;
        *none = false;
        found = i;
    }
    return found;
}

static void map_run(dim_table *t, const reshape_side *a, const reshape_side *b, const dim *at, dim *out) {
    bool a_none, b_none;
    uint32_t ia = only_axis(t, a, &a_none), ib = only_axis(t, b, &b_none);
    for (uint32_t i = b->first; i < b->end; i++) out[i] = dim_const(t, 0);
    if (b_none) return;
    if (ia != UINT32_MAX && ib != UINT32_MAX) {
        out[ib] = at[ia];
        return;
    }
    dim linear = dim_const(t, 0);
    for (uint32_t i = a->first; i < a->end; i++) linear = dim_add(t, dim_mul(t, linear, a->type->shape[i]), at[i]);
    dim stride = dim_const(t, 1);
    uint32_t top = b->first; /* outermost axis that is not 1 needs no mod */
    while (dim_equal(t, b->type->shape[top], dim_const(t, 1))) top++;
    for (uint32_t i = b->end; i-- > top;) {
        dim q = dim_floordiv(t, linear, stride);
        out[i] = i == top ? q : dim_mod(t, q, b->type->shape[i]);
        stride = dim_mul(t, stride, b->type->shape[i]);
    }
}

void reshape_index(dim_table *t, const tensor_type *from, const tensor_type *to, const dim *at, dim *out) {
    reshape_side a = {.type = from}, b = {.type = to};
    while (a.end < from->rank || b.end < to->rank) {
        next_run(t, &a, &b);
        map_run(t, &a, &b, at, out);
    }
}

uint32_t reshape_runs(dim_table *t, const tensor_type *from, const tensor_type *to, uint8_t *from_run,
                      uint8_t *to_run) {
    reshape_side a = {.type = from}, b = {.type = to};
    uint32_t n = 0;
    for (; a.end < from->rank || b.end < to->rank; n++) {
        next_run(t, &a, &b);
        for (uint32_t i = a.first; i < a.end; i++) from_run[i] = (uint8_t)n;
        for (uint32_t i = b.first; i < b.end; i++) to_run[i] = (uint8_t)n;
    }
    return n;
}

void broadcast_index(const graph *g, const tensor_type *x, const tensor_type *result, const dim *at, dim *out) {
    uint32_t skip = result->rank - x->rank;
    for (uint32_t i = 0; i < x->rank; i++)
        out[i] = graph_axis_index(g, x->shape[i], result->shape[skip + i], at[skip + i]);
}

static dim dim_neg(dim_table *t, dim a) { return dim_sub(t, dim_const(t, 0), a); }

/* Where `at` falls on 0..last, going there and back without the ends twice; is_near: at most `last` beyond an end. */
static dim reflected(dim_table *t, dim at, dim last, bool is_near) {
    if (!is_near) { /* the pattern repeats */
        dim period = dim_max(t, dim_const(t, 1), dim_mul(t, dim_const(t, 2), last));
        dim phase = dim_mod(t, at, period);
        return dim_min(t, phase, dim_sub(t, dim_mul(t, dim_const(t, 2), last), phase));
    }
    dim positive = dim_max(t, at, dim_neg(t, at));
    dim back = dim_sub(t, last, positive);
    return dim_sub(t, last, dim_max(t, back, dim_neg(t, back)));
}

/* Where a padded index falls in x along axis i, by the pad mode; constant mode says whether it may fall outside instead.
 * Wrapping and reflecting repeat what negative pads leave of the axis. */
static dim pad_axis(dim_table *t, const attr_pad *p, uint32_t i, dim at, dim extent, bool *out_unsure) {
    dim zero = dim_const(t, 0), last = dim_sub(t, extent, dim_const(t, 1)), lo = p->lo.at[i], hi = p->hi.at[i];
    dim in = dim_sub(t, at, lo), first = dim_max(t, zero, dim_neg(t, lo));
    dim left = dim_sub(t, dim_sub(t, extent, first), dim_max(t, zero, dim_neg(t, hi)));
    bool is_same = dim_equal(t, lo, zero) && dim_equal(t, hi, zero);
    *out_unsure = !is_same && p->mode == PM_constant;
    if (is_same) return in;
    switch (p->mode) {
    case PM_constant:
        return in;
    case PM_edge:
        return dim_max(t, zero, dim_min(t, in, last));
    case PM_wrap:
        return dim_add(t, first, dim_mod(t, dim_sub(t, in, first), left));
    case PM_reflect:
        last = dim_sub(t, left, dim_const(t, 1));
        in = dim_sub(t, in, first);
        return dim_add(t, first, reflected(t, in, last, dim_le(t, lo, last) && dim_le(t, hi, last)));
    }
    return in;
}

static void window_index(dim_table *t, const attr_window *w, const tensor_type *x, const dim *at, dim *in) {
    for (uint32_t i = 0; i < x->rank; i++) in[i] = at[i];
    for (uint32_t j = 0; j < w->axes.n; j++) {
        uint32_t axis = (uint32_t)w->axes.at[j];
        dim step = dim_mul(t, at[axis], dim_const(t, w->strides.at[j]));
        dim tap = dim_mul(t, at[x->rank + j], dim_const(t, w->dilations.at[j]));
        in[axis] = dim_sub(t, dim_add(t, step, tap), dim_const(t, w->pads.at[j]));
    }
}

void view_index(const graph *g, const node *n, const dim *out_index, dim *in_index, uint32_t *out_unsure) {
    dim_table *t = g->dims;
    const tensor_type *x = graph_type(g, n->in[0]), *result = graph_type(g, n->out);
    uint32_t unsure = 0;
    if (n->op == OP_reshape) {
        reshape_index(t, result, x, out_index, in_index);
    } else if (n->op == OP_transpose) {
        const attr_perm *p = n->attrs;
        for (uint32_t i = 0; i < x->rank; i++) in_index[p->perm.at[i]] = out_index[i];
    } else if (n->op == OP_broadcast) {
        broadcast_index(g, x, result, out_index, in_index);
    } else if (n->op == OP_slice) {
        const attr_slice *s = n->attrs;
        for (uint32_t i = 0; i < x->rank; i++)
            in_index[i] = dim_add(t, s->starts.at[i], dim_mul(t, out_index[i], dim_const(t, s->steps.at[i])));
    } else if (n->op == OP_pad) {
        for (uint32_t i = 0; i < x->rank; i++) {
            bool is_unsure = false;
            in_index[i] = pad_axis(t, n->attrs, i, out_index[i], x->shape[i], &is_unsure);
            if (is_unsure) unsure |= 1u << i;
        }
    } else {
        ASSERT(n->op == OP_window);
        const attr_window *w = n->attrs;
        window_index(t, w, x, out_index, in_index);
        for (uint32_t j = 0; j < w->axes.n; j++) unsure |= 1u << w->axes.at[j];
    }
    if (out_unsure) *out_unsure = unsure;
}

/* ---- products */

void contract_operand_index(const node *n, uint32_t i, const dim *axes, dim *out) {
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
}
