/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* broadcast_operands: an operand whose extent may be that of the result or 1, which a call decides, is broadcast by a
 * node of its own; no other operator then meets such a pair of extents.
 *
 *    %s = add %x, %y : f32[max(n, m)]                -- %x: f32[n], %y: f32[m]
 *  becomes
 *    %0 = broadcast %x {dims = [max(n, m)]}      %1 = broadcast %y {dims = [max(n, m)]}      %s = add %0, %1
 *
 * Axes that are known to be 1, or the result's, stay as they are. A graph without such pairs is left alone. */
#include <string.h>

#include "ir/op/einsum.h"
#include "passes/kit/build.h"
#include "passes/pipeline.h"

/* The shape that operand x needs for a result whose trailing axes are `shape`; whether it differs from x's. Axes of x
 * from `end` on are not broadcast. */
static bool wanted_shape(const graph *g, const tensor_type *x, uint32_t end, uint32_t rank, const dim *shape,
                         dim *out) {
    bool differs = false;
    for (uint32_t i = 0; i < x->rank; i++) {
        out[i] = x->shape[i];
        if (i >= end || rank < end - i) continue;
        dim result = shape[rank - (end - i)];
        if (graph_axis_fit(g, x->shape[i], result) != FIT_EITHER) continue;
        out[i] = result;
        differs = true;
    }
    return differs;
}

/* Operand i of n for a result of that shape, broadcast where it has to be. */
typedef struct operand_fitter {
    build b;
    const graph *from;
    const node *n;
    value_id *in;
    bool any;
} operand_fitter;

static void fit(operand_fitter *f, uint32_t i, uint32_t end, uint32_t rank, const dim *shape) {
    dim wanted[MAX_RANK];
    const tensor_type *x = graph_type(f->from, f->n->in[i]);
    if (!wanted_shape(f->from, x, end, rank, shape, wanted)) return;
    f->in[i] = build_broadcast(&f->b, f->in[i], x->rank, wanted);
    f->any = true;
}

static void fit_whole(operand_fitter *f, uint32_t i, uint32_t rank, const dim *shape) {
    fit(f, i, graph_type(f->from, f->n->in[i])->rank, rank, shape);
}

static void fit_matmul(operand_fitter *f) {
    const tensor_type *x = graph_type(f->from, f->n->in[0]), *y = graph_type(f->from, f->n->in[1]);
    const tensor_type *t = graph_type(f->from, f->n->out);
    uint32_t batch = t->rank - (x->rank > 1) - (y->rank > 1);
    if (x->rank > 2) fit(f, 0, x->rank - 2, batch, t->shape);
    if (y->rank > 2) fit(f, 1, y->rank - 2, batch, t->shape);
}

/* The axes of "..." broadcast: each to the extent of all operands' together. */
static void fit_einsum(operand_fitter *f) {
    const attr_einsum *a = f->n->attrs;
    cx *c = f->b.c;
    uint32_t *ranks = ARENA_ARRAY(c->scratch, uint32_t, f->n->n_in);
    for (uint32_t i = 0; i < f->n->n_in; i++) ranks[i] = graph_type(f->from, f->n->in[i])->rank;
    einsum_spec s;
    f->b.status = einsum_parse(c, c->scratch, a->equation ? a->equation : "", f->n->n_in, ranks, &s);
    dim extents[EINSUM_LABELS], shape[MAX_RANK];
    for (uint32_t l = 0; l < EINSUM_LABELS; l++) extents[l] = dim_const(f->from->dims, 1);
    for (uint32_t i = 0; i < f->n->n_in && build_ok(&f->b); i++)
        for (uint32_t k = 0; k < ranks[i]; k++) {
            uint8_t l = s.in[i].labels[k];
            dim d = graph_type(f->from, f->n->in[i])->shape[k];
            extents[l] = l < EINSUM_ELLIPSIS ? d : dim_broadcast(f->from->dims, extents[l], d);
        }
    for (uint32_t i = 0; i < f->n->n_in && build_ok(&f->b); i++) {
        for (uint32_t k = 0; k < ranks[i]; k++) {
            uint8_t l = s.in[i].labels[k];
            shape[k] = l < EINSUM_ELLIPSIS ? graph_type(f->from, f->n->in[i])->shape[k] : extents[l];
        }
        fit_whole(f, i, ranks[i], shape);
    }
}

/* Parameters and masks that broadcast to what operand 0 is like, its last extent being `last`. */
static void fit_params(operand_fitter *f, uint32_t first, dim last) {
    const tensor_type *x = graph_type(f->from, f->n->in[0]);
    dim shape[MAX_RANK];
    if (x->rank) memcpy(shape, x->shape, x->rank * sizeof *shape);
    if (x->rank && last != DIM_BAD) shape[x->rank - 1] = last;
    for (uint32_t i = first; i < f->n->n_in; i++) fit_whole(f, i, x->rank, shape);
}

static void fit_operands(operand_fitter *f) {
    const graph *g = f->from;
    const node *n = f->n;
    const tensor_type *t = n->n_out ? graph_type(g, n->out) : NULL;
    if (op_is(n->op, OPF_EW)) {
        for (uint32_t i = 0; i < n->n_in; i++) fit_whole(f, i, t->rank, t->shape);
        return;
    }
    switch ((int)n->op) { /* the others that broadcast operands */
    case OP_matmul:
        fit_matmul(f);
        break;
    case OP_einsum:
        fit_einsum(f);
        break;
    case OP_layer_norm:
    case OP_rms_norm:
        fit_params(f, 1, DIM_BAD);
        break;
    case OP_rope:
        fit_params(f, 1, dim_const(g->dims, ((const attr_rope *)n->attrs)->rotary_dim / 2));
        break;
    case OP_attend: {
        const tensor_type *k = graph_type(g, n->in[1]);
        fit_params(f, 3, k->shape[k->rank - 2]);
        break;
    }
    default:
        break;
    }
}

static frit_status rewrite_node(graph_rewriter *r, const node *n, bool *out_done) {
    if (op_is(n->op, OPF_REGION)) return FRIT_OK;
    operand_fitter f = {.b = {.c = r->c, .g = r->to, .loc = n->loc}, .from = r->from, .n = n};
    f.in = graph_rewrite_operands(r, n);
    fit_operands(&f);
    if (!f.any || !build_ok(&f.b)) return f.b.status;
    value_id first = build_node(&f.b, n->op, n->n_in, f.in, n->attrs);
    for (uint32_t i = 0; i < n->n_out && build_ok(&f.b); i++) r->map[n->out + i] = first + i;
    *out_done = true;
    return f.b.status;
}

/* Whether some contract leaves it to the call which of two sizes an axis has. */
static bool has_ties(const graph *g) {
    for (uint32_t i = 0; i < g->contracts.n; i++)
        if (g->contracts.at[i].kind == CK_BROADCASTS || g->contracts.at[i].kind == CK_EXPANDS) return true;
    return false;
}

frit_status pass_broadcast_operands(cx *c, const graph *g, graph **out) {
    *out = (graph *)(uintptr_t)g;
    return has_ties(g) ? graph_rewrite(c, g, rewrite_node, NULL, out) : FRIT_OK;
}
