/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The matcher: a walk down the expression with backtracking over the order of commutative operands. */
#include "passes/kit/pattern.h"

#include <math.h>

#include "ir/op/attrs.h"

pattern_match pattern_begin(const graph *g, const scalar_expr *e, double tolerance) {
    return (pattern_match){g, e, tolerance, {VALUE_NONE, VALUE_NONE, VALUE_NONE}};
}

bool pattern_number(const graph *g, value_id v, double *out) {
    const const_data *d = graph_const(g, v);
    scalar s = {0};
    bool has_bytes = d && (d->kind != CONST_DENSE || d->bytes);
    if (!has_bytes || !const_is_splat(d, &s)) return false;
    *out = dtype_to_f64(d->dt, s);
    return true;
}

static bool match_value(pattern_match *m, uint32_t at, value_id v);

static bool match_node(pattern_match *m, const scalar_node *p, const node *n) {
    if (n->op != p->op || n->n_in != p->n_args) return false;
    pattern_match saved = *m;
    uint32_t i = 0;
    while (i < p->n_args && match_value(m, p->args[i], n->in[i])) i++;
    if (i == p->n_args) return true;
    *m = saved;
    bool swap = op_is(n->op, OPF_COMM) && p->n_args == 2;
    if (swap && match_value(m, p->args[0], n->in[1]) && match_value(m, p->args[1], n->in[0])) return true;
    *m = saved;
    return false;
}

static bool match_number(const pattern_match *m, double want, value_id v) {
    double have = 0;
    return pattern_number(m->g, v, &have) && (have == want || fabs(have - want) <= m->tolerance * fabs(want));
}

static bool match_value(pattern_match *m, uint32_t at, value_id v) {
    const scalar_node *p = &m->e->nodes[at];
    switch (p->kind) {
    case SCALAR_INPUT:
        if (m->bound[p->input] == VALUE_NONE) m->bound[p->input] = v;
        return m->bound[p->input] == v;
    case SCALAR_CONST:
        return match_number(m, p->value, v);
    case SCALAR_ATTR:
        return false;
    case SCALAR_OP:
        break;
    }
    const node *n = graph_def(m->g, v);
    return n && match_node(m, p, n);
}

bool pattern_matches(pattern_match *m, const node *n) { return match_node(m, &m->e->nodes[m->e->n - 1], n); }
