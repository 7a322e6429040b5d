/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which axes of a value are channels: the labels of a contraction that its weights have, and what other operators make
 * of them.
 *
 *    %w = window %x : f32[N, C, P, Q, R, S]      channels {1} of %w, hence of %x
 *    %y = contract %w, %k {lhs = ncpqrs, rhs = ocrs, out = nopq}      channels {1} of %y, hence of all that is added
 *
 * A set travels from value to value, operands and users alike, until it meets one that has a set or an operator that
 * cannot carry it. Sets that stand last already go no further, so that graphs without images are left alone. */
#include "passes/layout/layout.h"

#include <string.h>

#include "ir/graph/view_index.h"

void layout_order(uint32_t rank, uint32_t channels, uint32_t *order) {
    uint32_t n = 0;
    for (uint32_t is_set = 0; is_set < 2; is_set++)
        for (uint32_t i = 0; i < rank; i++)
            if ((channels >> i & 1) == is_set) order[n++] = i;
}

static bool is_unit(const graph *g, dim d) { return dim_equal(g->dims, d, dim_const(g->dims, 1)); }

bool layout_is_same(const graph *g, const tensor_type *t, uint32_t channels) {
    bool has_met = false;
    for (uint32_t i = 0; i < t->rank; i++) {
        if (is_unit(g, t->shape[i])) continue;
        bool is_channel = channels >> i & 1;
        if (has_met && !is_channel) return false;
        has_met = has_met || is_channel;
    }
    return true;
}

/* ---- what operators do to a set */

static uint32_t all_axes(uint32_t rank) { return rank >= 32 ? UINT32_MAX : (1u << rank) - 1; }

/* The set on the other side of a reshape: its runs of axes are in the set as a whole or not at all. */
static bool through_reshape(const graph *g, const tensor_type *from, const tensor_type *to, uint32_t set,
                            uint32_t *out) {
    uint8_t from_run[MAX_RANK], to_run[MAX_RANK];
    uint32_t n = reshape_runs(g->dims, from, to, from_run, to_run), in = 0, outside = 0;
    for (uint32_t i = 0; i < from->rank; i++) {
        if (is_unit(g, from->shape[i])) continue;
        if (set >> i & 1)
            in |= 1u << from_run[i];
        else
            outside |= 1u << from_run[i];
    }
    *out = 0;
    for (uint32_t i = 0; i < to->rank; i++)
        if (in >> to_run[i] & 1 && !is_unit(g, to->shape[i])) *out |= 1u << i;
    return n <= MAX_RANK && !(in & outside);
}

/* Bits of the axes that remain when those of `gone` are removed, and back. */
static uint32_t squeeze(uint32_t set, uint32_t gone, uint32_t rank) {
    uint32_t out = 0, n = 0;
    for (uint32_t i = 0; i < rank; i++)
        if (!(gone >> i & 1)) out |= (set >> i & 1) << n++;
    return out;
}

static uint32_t spread(uint32_t set, uint32_t gone, uint32_t rank) {
    uint32_t out = 0, n = 0;
    for (uint32_t i = 0; i < rank; i++)
        if (!(gone >> i & 1)) out |= (set >> n++ & 1) << i;
    return out;
}

static uint32_t reduced_axes(const node *n) {
    const attr_reduce *a = n->attrs;
    uint32_t bits = 0;
    for (uint32_t i = 0; i < a->axes.n; i++) bits |= 1u << a->axes.at[i];
    return bits;
}

/* A gather by a list of indices keeps its axes where they are. */
static bool is_gather_of_list(const graph *g, const node *n) {
    return n->op == OP_gather && graph_type(g, n->in[1])->rank == 1;
}

/* Operators whose operand i and result have the same axes in the same places (but for missing leading ones). */
static bool keeps_axes(const graph *g, const node *n, uint32_t i) {
    if (op_is(n->op, OPF_EW) || n->op == OP_concat || n->op == OP_broadcast) return true;
    return i == 0 && (n->op == OP_slice || n->op == OP_pad || n->op == OP_window || is_gather_of_list(g, n));
}

bool layout_operand_channels(const layout *l, const node *n, uint32_t i, uint32_t result, uint32_t *out) {
    const tensor_type *x = graph_type(l->g, n->in[i]), *y = graph_type(l->g, n->out);
    *out = result;
    if (n->op == OP_window) return i == 0 && !(result & ~all_axes(x->rank));
    if (keeps_axes(l->g, n, i)) {
        *out = y->rank > x->rank ? result >> (y->rank - x->rank) : result;
        return true;
    }
    if (n->op == OP_reshape) return through_reshape(l->g, y, x, result, out);
    if (n->op == OP_reduce) {
        *out = spread(result, reduced_axes(n), x->rank);
        return true;
    }
    if (n->op != OP_transpose) return false;
    const attr_perm *p = n->attrs;
    *out = 0;
    for (uint32_t j = 0; j < p->perm.n; j++) *out |= (result >> j & 1) << p->perm.at[j];
    return true;
}

/* The result's set from operand i's. */
static bool result_channels(const layout *l, const node *n, uint32_t i, uint32_t set, uint32_t *out) {
    const tensor_type *x = graph_type(l->g, n->in[i]), *y = graph_type(l->g, n->out);
    *out = set;
    if (n->op == OP_broadcast) {
        *out = set << (y->rank - x->rank);
        return true;
    }
    if (keeps_axes(l->g, n, i)) return n->op == OP_window || x->rank == y->rank;
    if (n->op == OP_reshape) return through_reshape(l->g, x, y, set, out);
    if (n->op == OP_reduce) {
        *out = squeeze(set, reduced_axes(n), x->rank);
        return true;
    }
    if (n->op != OP_transpose) return false;
    const attr_perm *p = n->attrs;
    *out = 0;
    for (uint32_t j = 0; j < p->perm.n; j++) *out |= (set >> p->perm.at[j] & 1) << j;
    return true;
}

/* ---- spreading */

typedef VEC(uint32_t) id_list;
typedef struct spreader {
    layout *l;
    id_list *users; /* value -> nodes of the body that read it */
    id_list todo;   /* values whose set has not been carried on */
} spreader;

static void give(spreader *s, value_id v, uint32_t set) {
    const graph *g = s->l->g;
    const tensor_type *t = graph_type(g, v);
    if (!set || t->rank < 2 || s->l->channels[v] || graph_const(g, v) || graph_value(g, v)->region) return;
    s->l->channels[v] = set;
    if (layout_is_same(g, t, set)) return;
    s->l->has_any = true;
    vec_push(s->l->c->scratch, s->todo, v);
}

static void carry_on(spreader *s, value_id v) {
    layout *l = s->l;
    const node *def = graph_def(l->g, v);
    uint32_t set;
    for (uint32_t i = 0; def && i < def->n_in; i++)
        if (layout_operand_channels(l, def, i, l->channels[v], &set)) give(s, def->in[i], set);
    for (uint32_t u = 0; u < s->users[v].n; u++) {
        const node *n = graph_node(l->g, s->users[v].at[u]);
        for (uint32_t i = 0; i < n->n_in; i++)
            if (n->in[i] == v && result_channels(l, n, i, l->channels[v], &set)) give(s, n->out, set);
    }
}

/* A contraction of x with weights: channels of the result are the labels that the weights have; those of x the ones
 * that it shares with them, but for the taps of a window. */
static void seed(spreader *s, const node *n) {
    const graph *g = s->l->g;
    const attr_contract *a = n->attrs;
    uint32_t weights = graph_const(g, view_base(g, n->in[1])) ? 1 : 0;
    if (!graph_const(g, view_base(g, n->in[weights]))) return;
    const char *labels = weights ? a->rhs : a->lhs, *of_x = weights ? a->lhs : a->rhs;
    value_id x = n->in[1 - weights];
    const node *def = graph_def(g, x);
    uint32_t taps = def && def->op == OP_window ? graph_type(g, def->in[0])->rank : MAX_RANK, result = 0, operand = 0;
    for (uint32_t i = 0; a->out[i]; i++)
        if (strchr(labels, a->out[i])) result |= 1u << i;
    for (uint32_t i = 0; of_x[i]; i++)
        if (i < taps && strchr(labels, of_x[i])) operand |= 1u << i;
    bool reads_image = s->l->channels[x] && !layout_is_same(g, graph_type(g, x), s->l->channels[x]);
    if (!reads_image && layout_is_same(g, graph_type(g, n->out), result)) return;
    give(s, n->out, result);
    give(s, x, operand);
}

void layout_find_channels(layout *l) {
    const graph *g = l->g;
    const region *body = &g->regions.at[0];
    arena *a = l->c->scratch;
    l->channels = ARENA_ARRAY(a, uint32_t, g->values.n + 1u);
    spreader s = {.l = l, .users = ARENA_ARRAY(a, id_list, g->values.n + 1u)};
    for (uint32_t i = 0; i < body->nodes.n; i++) {
        const node *n = graph_node(g, body->nodes.at[i]);
        for (uint32_t j = 0; j < n->n_in; j++) vec_push(a, s.users[n->in[j]], body->nodes.at[i]);
    }
    for (uint32_t i = 0; i < body->nodes.n; i++) {
        const node *n = graph_node(g, body->nodes.at[i]);
        if (n->op == OP_contract) seed(&s, n);
    }
    for (uint32_t i = 0; i < s.todo.n; i++) carry_on(&s, s.todo.at[i]);
    for (uint32_t i = 0; i < body->nodes.n; i++) { /* products of images whose results are in order already */
        const node *n = graph_node(g, body->nodes.at[i]);
        if (n->op == OP_contract && !l->channels[n->out]) seed(&s, n);
    }
}
