/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The cheapest form for every node: a node costs what its kernel takes in that form, a value that is wanted in the form
 * in which it is not computed costs the bytes of a conversion, once. With two forms that is a minimum cut:
 *
 *    source side: graph order      sink side: channels last
 *    source -> n: cost of n with channels last     n -> sink: cost of n in graph order
 *    n -> a -> users of n's result: paid when n is in graph order and any user is not; likewise the other way
 *
 * Costs are picoseconds on a core of about 100 GFLOP/s and 10 GB/s: only their ratios matter. */
#include "passes/layout/layout.h"

#include <string.h>

#include "passes/layout/mincut.h"

enum {
    PS_PER_FLOP = 10,       /* of a matrix kernel that runs well */
    PS_PER_BYTE = 100,      /* moved to another place */
    PS_STRIDED = 600,       /* an element read along the wrong axis */
    PS_VECTOR = 60,         /* an element read along the vectors */
    GATHERED_PERCENT = 150, /* a matrix kernel whose windows are gathered along the pixels */
    LANES = 16
};
static const int64_t most_cost = CUT_NEVER / (1 << 20);

typedef struct chooser {
    layout *l;
    int64_t *sizes; /* symbol -> likely value */
    cut_graph cut;
    uint32_t *vertex; /* node -> its vertex; 0: always in graph order */
} chooser;

/* The likely value of d, at least 1. */
static double likely(const chooser *x, dim d) {
    int64_t v = 0;
    cx quiet = {.job = x->l->c->scratch, .scratch = x->l->c->scratch};
    if (dim_eval(&quiet, x->l->g->dims, d, x->sizes, &v) != FRIT_OK || v < 1) v = 1;
    return (double)v;
}

static double n_elements(const chooser *x, value_id v) {
    const tensor_type *t = graph_type(x->l->g, v);
    double n = 1;
    for (uint32_t i = 0; i < t->rank; i++) n *= likely(x, t->shape[i]);
    return n;
}

static int64_t as_cost(double ps) { return ps < (double)most_cost ? (int64_t)ps : most_cost; }

static int64_t move_cost(const chooser *x, value_id v) {
    return as_cost(n_elements(x, v) * dtype_bits(graph_type(x->l->g, v)->dt) / 8 * (double)PS_PER_BYTE);
}

/* ---- nodes */

typedef struct form_cost {
    int64_t graph_order, last;
} form_cost;

/* Share of whole vectors in the trailing extent n. */
static double fill_of(double n) {
    double vectors = (double)(int64_t)((n + (double)(LANES - 1)) / (double)LANES);
    return n / (vectors * (double)LANES);
}

static form_cost contract_cost(const chooser *x, const node *n) {
    const graph *g = x->l->g;
    const attr_contract *a = n->attrs;
    const tensor_type *out = graph_type(g, n->out), *lhs = graph_type(g, n->in[0]);
    double work = n_elements(x, n->out), features = 1, pixels = 1;
    for (uint32_t i = 0; a->lhs[i]; i++)
        if (!strchr(a->out, a->lhs[i])) work *= likely(x, lhs->shape[i]);
    for (uint32_t i = 0; i < out->rank; i++) {
        bool is_channel = x->l->channels[n->out] >> i & 1;
        bool is_shared = strchr(a->lhs, a->out[i]) && strchr(a->rhs, a->out[i]);
        if (is_channel && !is_shared) features *= likely(x, out->shape[i]);
        if (!is_channel && i) pixels *= likely(x, out->shape[i]);
    }
    if (features == 1) return (form_cost){as_cost(work * (PS_STRIDED / 4)), as_cost(work * (PS_VECTOR / 4))};
    const node *view = graph_def(g, n->in[0]);
    double gathered = view && view->op == OP_window ? (double)GATHERED_PERCENT / 100 : 1;
    double flops = work * (2 * PS_PER_FLOP);
    if (layout_is_same(g, out, x->l->channels[n->out])) return (form_cost){as_cost(flops), as_cost(flops)};
    return (form_cost){as_cost(flops * gathered / fill_of(pixels)), as_cost(flops / fill_of(features))};
}

static form_cost node_cost(const chooser *x, const node *n) {
    const layout *l = x->l;
    if (n->op == OP_contract) return contract_cost(x, n);
    if (n->op == OP_reduce) {
        const node *view = graph_def(l->g, n->in[0]);
        double work = n_elements(x, n->in[0]);
        bool is_pool = view && view->op == OP_window;
        return (form_cost){as_cost(work * (double)(is_pool ? PS_STRIDED : PS_VECTOR)),
                           as_cost(work * (double)PS_VECTOR)};
    }
    if (n->op != OP_transpose) return (form_cost){0};
    /* In graph order it moves what it moves; with channels last only what that form does not undo. */
    uint32_t set = l->channels[n->out], operand, order[MAX_RANK], from[MAX_RANK], place[MAX_RANK];
    const tensor_type *t = graph_type(l->g, n->out);
    const attr_perm *p = n->attrs;
    layout_operand_channels(l, n, 0, set, &operand);
    layout_order(t->rank, set, order);
    layout_order(t->rank, operand, from);
    for (uint32_t i = 0; i < t->rank; i++) place[from[i]] = i;
    bool is_still = true;
    for (uint32_t i = 0; i < t->rank; i++) is_still = is_still && place[p->perm.at[order[i]]] == i;
    int64_t moved = move_cost(x, n->out);
    return (form_cost){moved, is_still ? 0 : moved};
}

/* ---- the graph of the cut */

static bool has_last_form(const chooser *x, node_id id, const node *n) {
    uint32_t set;
    if (n->region || n->n_out != 1 || n->op == OP_const || !x->l->channels[n->out]) return false;
    if (n->op == OP_contract) return true;
    (void)id;
    return n->n_in > 0 && layout_operand_channels(x->l, n, 0, x->l->channels[n->out], &set);
}

/* The form in which n reads operand i when it computes channels last: that form of the operand, or its graph order
 * (which then is converted for n alone). */
static bool reads_last(const chooser *x, const node *n, uint32_t i) {
    const layout *l = x->l;
    uint32_t set;
    if (!l->channels[n->in[i]]) return false;
    if (n->op == OP_contract) return true;
    return layout_operand_channels(l, n, i, l->channels[n->out], &set) && set == l->channels[n->in[i]] &&
           (!op_is(n->op, OPF_EW) || graph_type(l->g, n->in[i])->rank == graph_type(l->g, n->out)->rank);
}

/* What n pays when it computes channels last for operands that it has to transpose by itself. */
static int64_t turning_cost(const chooser *x, const node *n) {
    int64_t cost = 0;
    for (uint32_t i = 0; i < n->n_in; i++) {
        uint32_t set;
        if (graph_const(x->l->g, n->in[i]) || reads_last(x, n, i) || n->op == OP_contract) continue;
        bool is_transposed = layout_operand_channels(x->l, n, i, x->l->channels[n->out], &set) &&
                             !layout_is_same(x->l->g, graph_type(x->l->g, n->in[i]), set);
        if (is_transposed) cost += move_cost(x, n->in[i]);
    }
    return cost;
}

/* The vertices between a value's producer and its users, made on first use. */
typedef struct turnstile {
    uint32_t to_last, to_graph;
} turnstile;

static void connect(chooser *x, turnstile *t, value_id v, uint32_t user, bool user_may_be_last) {
    node_id def = graph_value(x->l->g, v)->def;
    uint32_t producer = def == NODE_NONE || !x->vertex[def] ? CUT_SOURCE : x->vertex[def];
    if (!t->to_last) {
        int64_t cost = move_cost(x, v);
        t->to_last = cut_vertex(&x->cut);
        t->to_graph = cut_vertex(&x->cut);
        cut_edge_add(&x->cut, producer, t->to_last, cost);
        cut_edge_add(&x->cut, t->to_graph, producer, cost);
    }
    if (user_may_be_last) cut_edge_add(&x->cut, t->to_last, user, CUT_NEVER);
    cut_edge_add(&x->cut, user_may_be_last ? user : CUT_SOURCE, t->to_graph, CUT_NEVER);
}

static void add_uses(chooser *x) {
    const graph *g = x->l->g;
    turnstile *at = ARENA_ARRAY(x->l->c->scratch, turnstile, g->values.n + 1u);
    for (uint32_t i = 0; i < g->nodes.n; i++) {
        const node *n = graph_node(g, i);
        for (uint32_t j = 0; j < n->n_in; j++) {
            value_id v = n->in[j];
            if (!x->l->channels[v] || layout_is_same(g, graph_type(g, v), x->l->channels[v])) continue;
            connect(x, &at[v], v, x->vertex[i], x->vertex[i] && reads_last(x, n, j));
        }
    }
    for (uint32_t r = 0; r < g->regions.n; r++)
        for (uint32_t i = 0; i < g->regions.at[r].results.n; i++) {
            value_id v = g->regions.at[r].results.at[i];
            if (x->l->channels[v] && !layout_is_same(g, graph_type(g, v), x->l->channels[v]))
                connect(x, &at[v], v, CUT_SOURCE, false);
        }
}

static void guess_sizes(chooser *x) {
    dim_table *t = x->l->g->dims;
    uint32_t n = dim_n_syms(t);
    x->sizes = ARENA_ARRAY(x->l->c->scratch, int64_t, n + 1u);
    for (sym_id s = 0; s < n; s++) x->sizes[s] = dim_likely(t, s);
}

void layout_choose(layout *l) {
    const graph *g = l->g;
    arena *a = l->c->scratch;
    chooser x = {.l = l};
    guess_sizes(&x);
    cut_init(&x.cut, a);
    x.vertex = ARENA_ARRAY(a, uint32_t, g->nodes.n + 1u);
    l->is_last = ARENA_ARRAY(a, bool, g->nodes.n + 1u);
    for (uint32_t i = 0; i < g->nodes.n; i++) {
        const node *n = graph_node(g, i);
        if (!has_last_form(&x, i, n)) continue;
        form_cost cost = node_cost(&x, n);
        x.vertex[i] = cut_vertex(&x.cut);
        cut_edge_add(&x.cut, CUT_SOURCE, x.vertex[i], cost.last + turning_cost(&x, n));
        cut_edge_add(&x.cut, x.vertex[i], CUT_SINK, cost.graph_order);
    }
    add_uses(&x);
    const bool *is_sink = cut_solve(&x.cut);
    for (uint32_t i = 0; i < g->nodes.n; i++) l->is_last[i] = x.vertex[i] && is_sink[x.vertex[i]];
}
