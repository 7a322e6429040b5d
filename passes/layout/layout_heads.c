/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Products that read a flattened image read the image itself, and the weights take the axes apart instead:
 *
 *    %f = reshape %x : f32[N, 25088]              -- %x: f32[N, 512, 7, 7]
 *    %y = contract %f, %w {lhs = nk, rhs = km, out = nm}
 *  becomes
 *    %v = reshape %w : f32[512, 7, 7, 4096]       %y = contract %x, %v {lhs = nabc, rhs = abcm, out = nm}
 *
 * so that the order of x's axes is free: weights are packed in the order that x comes to have. */
#include "passes/layout/layout.h"

#include <string.h>

#include "ir/graph/view_index.h"
#include "passes/kit/build.h"

/* The product taken apart. */
typedef struct split {
    const graph *g;
    const node *n;
    uint32_t side; /* operand that is a reshape */
    char labels[2][2 * MAX_RANK + 1];
    dim shapes[2][2 * MAX_RANK];
    uint32_t ranks[2]; /* of the new operands, by side */
} split;

static bool is_unit(const graph *g, dim d) { return dim_equal(g->dims, d, dim_const(g->dims, 1)); }

static char fresh_label(const split *s) {
    const attr_contract *a = s->n->attrs;
    for (char l = 'a'; l <= 'z'; l++)
        if (!strchr(a->lhs, l) && !strchr(a->rhs, l) && !strchr(s->labels[0], l) && !strchr(s->labels[1], l)) return l;
    return 0;
}

static bool add_axis(split *s, uint32_t side, char label, dim extent) {
    if (s->ranks[side] == MAX_RANK || !label) return false;
    s->labels[side][s->ranks[side]] = label;
    s->labels[side][s->ranks[side] + 1] = 0;
    s->shapes[side][s->ranks[side]++] = extent;
    return true;
}

/* The axes of x that label l of the flattened operand stands for: parts[0..*n) of their extents. */
static bool parts_of(const split *s, uint32_t axis, dim *parts, uint32_t *n) {
    const node *view = graph_def(s->g, s->n->in[s->side]);
    const tensor_type *x = graph_type(s->g, view->in[0]), *flat = graph_type(s->g, view->out);
    uint8_t from[MAX_RANK], to[MAX_RANK];
    reshape_runs(s->g->dims, x, flat, from, to);
    *n = 0;
    for (uint32_t i = 0; i < flat->rank; i++)
        if (i != axis && to[i] == to[axis] && !is_unit(s->g, flat->shape[i])) return false;
    for (uint32_t i = 0; i < x->rank; i++)
        if (from[i] == to[axis] && !is_unit(s->g, x->shape[i])) parts[(*n)++] = x->shape[i];
    if (*n == 0) parts[(*n)++] = flat->shape[axis];
    return true;
}

/* Fills s in; false where the product is nothing of the kind. */
static bool take_apart(split *s) {
    const attr_contract *a = s->n->attrs;
    uint32_t other = 1 - s->side;
    const char *labels = s->side ? a->rhs : a->lhs, *others = s->side ? a->lhs : a->rhs;
    const node *view = graph_def(s->g, s->n->in[s->side]);
    if (!view || view->op != OP_reshape || !graph_const(s->g, view_base(s->g, s->n->in[other]))) return false;
    const tensor_type *flat = graph_type(s->g, view->out), *weights = graph_type(s->g, s->n->in[other]);
    char split_label = 0, into[MAX_RANK + 1] = "";
    dim parts[MAX_RANK];
    for (uint32_t i = 0; i < flat->rank; i++) {
        uint32_t n;
        if (!parts_of(s, i, parts, &n)) return false;
        bool is_summed = !strchr(a->out, labels[i]);
        if (n > 1 && (!is_summed || split_label)) return false;
        if (n > 1) split_label = labels[i];
        for (uint32_t j = 0; j < n; j++) {
            char label = n > 1 ? fresh_label(s) : labels[i];
            if (n > 1) into[j] = label;
            if (!add_axis(s, s->side, label, parts[j])) return false;
        }
    }
    if (!split_label) return false;
    for (uint32_t i = 0; i < weights->rank; i++) {
        if (others[i] != split_label && !add_axis(s, other, others[i], weights->shape[i])) return false;
        if (others[i] != split_label) continue;
        for (uint32_t j = 0; into[j]; j++) {
            const char *at = strchr(s->labels[s->side], into[j]);
            if (!add_axis(s, other, into[j], s->shapes[s->side][at - s->labels[s->side]])) return false;
        }
    }
    return true;
}

static frit_status split_node(graph_rewriter *r, const node *n, bool *out_done) {
    if (n->op != OP_contract) return FRIT_OK;
    split s = {.g = r->from, .n = n};
    bool is_head = take_apart(&s);
    if (!is_head) {
        s = (split){.g = r->from, .n = n, .side = 1};
        is_head = take_apart(&s);
    }
    if (!is_head) return FRIT_OK;
    build b = {.c = r->c, .g = r->to, .loc = n->loc};
    value_id in[2];
    in[s.side] = r->map[graph_def(r->from, n->in[s.side])->in[0]];
    in[1 - s.side] = r->map[n->in[1 - s.side]];
    for (uint32_t i = 0; i < 2; i++) in[i] = build_reshape(&b, in[i], s.ranks[i], s.shapes[i]);
    r->map[n->out] = build_contract(&b, in[0], in[1], s.labels[0], s.labels[1], ((const attr_contract *)n->attrs)->out);
    *out_done = true;
    return b.status;
}

frit_status layout_split_heads(cx *c, const graph *g, graph **out) {
    graph *apart = NULL;
    TRY(graph_rewrite(c, g, split_node, NULL, &apart));
    return graph_sweep(c, apart, out);
}
