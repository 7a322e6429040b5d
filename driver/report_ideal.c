/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The least that a plan could move, from the core graph alone: so it does not depend on what fusion did.
 *
 * The second figure supposes one kernel for each product (contract, attend), with everything else computed inside them:
 *
 *   %a = contract %x, %w        reads %x, writes %a
 *   %b = max(%a + bias, 0)
 *   %c = contract %b, %v        reads %b, writes %c
 *   %d = %c + %b                reads %b once more: the residual
 *
 * An operand counts at its narrowest on the way back through views and elementwise nodes of one tensor: an image before
 * its windows are drawn, quantised numbers before they are widened. */
#include <math.h>
#include <string.h>

#include "driver/report.h"

typedef struct ideal_cx {
    const report *r;
    const graph *g;
    bool *is_const;     /* value: depends on constants only */
    uint32_t *newest;   /* value: number of the last product that it depends on, 0 none */
    uint32_t *n_uses;   /* value */
    value_id *only_use; /* value: result of its user when there is one */
    uint32_t n_products;
    double moved;
} ideal_cx;

static double type_bytes(const report *r, const tensor_type *t) {
    double n = dtype_bits(t->dt) / 8.0;
    for (uint32_t i = 0; i < t->rank; i++) n *= report_amount(r, t->shape[i]);
    return ceil(n);
}

static double value_bytes(const ideal_cx *x, value_id v) { return type_bytes(x->r, graph_type(x->g, v)); }

static bool is_product(op_code op) { return op == OP_contract || op == OP_attend; }

/* The one operand of an elementwise node or a view that is no constant, VALUE_NONE when there are more. */
static value_id single_operand(const ideal_cx *x, const node *n) {
    value_id found = VALUE_NONE;
    if (!op_is(n->op, OPF_EW) && !op_is(n->op, OPF_VIEW)) return VALUE_NONE;
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (x->is_const[n->in[i]]) continue;
        if (found != VALUE_NONE && found != n->in[i]) return VALUE_NONE;
        found = n->in[i];
    }
    return found;
}

/* Bytes of the narrowest form of v among itself and what it is computed from alone. */
static double operand_bytes(const ideal_cx *x, value_id v) {
    double least = value_bytes(x, v);
    for (const node *n = graph_def(x->g, v); n; n = graph_def(x->g, v)) {
        v = single_operand(x, n);
        if (v == VALUE_NONE) break;
        least = fmin(least, value_bytes(x, v));
    }
    return least;
}

/* Bytes of the narrowest form in which v can be stored: itself or what alone is computed from it. */
static double result_bytes(const ideal_cx *x, value_id v) {
    double least = value_bytes(x, v);
    while (x->n_uses[v] == 1 && x->only_use[v] != VALUE_NONE) {
        value_id next = x->only_use[v];
        const node *n = graph_def(x->g, next);
        if (!op_is(n->op, OPF_EW) || single_operand(x, n) != v) break;
        least = fmin(least, value_bytes(x, next));
        v = next;
    }
    return least;
}

static void visit_product(ideal_cx *x, const node *n) {
    x->n_products++;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (!x->is_const[n->in[i]]) x->moved += operand_bytes(x, n->in[i]);
    x->moved += result_bytes(x, n->out);
}

/* Results of different products that meet element by element: all but the newest were stored long ago. */
static void visit_meeting(ideal_cx *x, const node *n) {
    double whole = value_bytes(x, n->out);
    uint32_t newest = x->newest[n->out];
    for (uint32_t i = 0; i < n->n_in; i++) {
        value_id v = n->in[i];
        bool is_older = x->newest[v] != newest && !x->is_const[v];
        if (is_older && operand_bytes(x, v) >= whole) x->moved += whole;
    }
}

static void visit(ideal_cx *x, const node *n) {
    bool is_const = n->op == OP_const || (n->n_in > 0 && n->n_regions == 0);
    uint32_t newest = 0;
    for (uint32_t i = 0; i < n->n_in; i++) {
        is_const &= x->is_const[n->in[i]];
        if (x->newest[n->in[i]] > newest) newest = x->newest[n->in[i]];
    }
    for (uint32_t i = 0; i < n->n_out; i++) {
        x->is_const[n->out + i] = is_const;
        x->newest[n->out + i] = newest;
    }
    if (is_const) return;
    if (is_product(n->op)) {
        visit_product(x, n);
        x->newest[n->out] = x->n_products;
    } else if (op_is(n->op, OPF_EW) && n->n_in > 1 && newest) {
        visit_meeting(x, n);
    }
}

static void find_uses(ideal_cx *x, arena *a) {
    x->n_uses = graph_count_uses(a, x->g);
    x->only_use = ARENA_ARRAY(a, value_id, x->g->values.n + 1u);
    memset(x->only_use, 0xff, x->g->values.n * sizeof *x->only_use);
    for (uint32_t i = 0; i < x->g->nodes.n; i++) {
        const node *n = &x->g->nodes.at[i];
        for (uint32_t j = 0; j < n->n_in; j++) x->only_use[n->in[j]] = n->out;
    }
}

/* A table that is only looked into is read where it is looked into. */
static double weight_bytes(const ideal_cx *x, const node *n) {
    double all = value_bytes(x, n->out), looked = 0;
    for (uint32_t i = 0; i < x->g->nodes.n; i++) {
        const node *user = &x->g->nodes.at[i];
        for (uint32_t j = 0; j < user->n_in; j++) {
            if (user->in[j] != n->out) continue;
            bool is_lookup = j == 0 && (user->op == OP_gather || user->op == OP_gather_elements);
            looked += is_lookup ? value_bytes(x, user->out) : all;
        }
    }
    return fmin(all, looked);
}

static double all_weights(const ideal_cx *x) {
    double sum = 0;
    for (uint32_t i = 0; i < x->g->nodes.n; i++) {
        const node *n = &x->g->nodes.at[i];
        const const_data *d = n->op == OP_const ? graph_const(x->g, n->out) : NULL;
        if (d && d->kind != CONST_SPLAT) sum += weight_bytes(x, n);
    }
    return sum;
}

report_ideal report_ideal_of(const report *r) {
    ideal_cx x = {.r = r, .g = r->m->core};
    const graph *g = x.g;
    x.is_const = ARENA_ARRAY(r->a, bool, g->values.n + 1u);
    x.newest = ARENA_ARRAY(r->a, uint32_t, g->values.n + 1u);
    find_uses(&x, r->a);
    double weights = all_weights(&x), ports = 0;
    for (uint32_t i = 0; i < g->inputs.n; i++) ports += type_bytes(r, &g->inputs.at[i].type);
    for (uint32_t i = 0; i < g->outputs.n; i++) ports += type_bytes(r, &g->outputs.at[i].type);
    const region *body = &g->regions.at[0];
    for (uint32_t i = 0; i < body->nodes.n; i++) visit(&x, graph_node(g, body->nodes.at[i]));
    return (report_ideal){weights + ports, weights + x.moved, x.n_products};
}
