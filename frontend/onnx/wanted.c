/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What operators ask of operands that decide ranks, axes and sizes: constants, by evaluating what they come from, or
 * dims. Where neither can be had, the message names the model input to give with --const. */
#include "frontend/onnx/reader.h"
#include "ir/op/attrs.h"

#define MAX_EVALUATED (1 << 20) /* elements of a value that is evaluated */
#define MAX_CHAIN     200       /* nodes between a value and constants */

/* --- constants --- */

static bool evaluate(reader *r, value_id v, int depth, tensor *out);

static bool evaluate_node(reader *r, const node *n, int depth, tensor *out) {
    if (op_is(n->op, OPF_NOCSE) || op_is(n->op, OPF_REGION) || n->op == OP_from_dims) return false;
    tensor *in = ARENA_ARRAY(r->c->job, tensor, n->n_in + 1), *results = ARENA_ARRAY(r->c->job, tensor, n->n_out + 1);
    for (uint32_t i = 0; i < n->n_in; i++)
        if (!evaluate(r, n->in[i], depth + 1, &in[i])) return false;
    cx quiet = *r->c; /* what cannot be evaluated is simply not known */
    int64_t *syms = ARENA_ARRAY(r->c->job, int64_t, dim_n_syms(r->dims) + 1);
    for (uint32_t i = 0; i < dim_n_syms(r->dims); i++) syms[i] = INT64_MIN;
    tensor *values = ARENA_ARRAY(r->c->job, tensor, r->g->values.n);
    eval_cx e = {.c = &quiet, .g = r->g, .a = r->c->job, .syms = syms, .values = values};
    if (eval_node(&e, n, in, results) != FRIT_OK) return false;
    *out = results[0];
    return true;
}

static bool evaluate(reader *r, value_id v, int depth, tensor *out) {
    const node *def = graph_def(r->g, v);
    dim count = graph_n_elements(r->g, v);
    int64_t n;
    if (!def || depth > MAX_CHAIN || def->out != v || !dim_is_const(r->dims, count, &n) || n > MAX_EVALUATED)
        return false;
    if (def->op == OP_const)
        return eval_const(r->c, r->c->job, &((const attr_const *)def->attrs)->data, out) == FRIT_OK;
    node copy = *def;
    return evaluate_node(r, &copy, depth, out);
}

bool known_tensor(reader *r, value_id v, tensor *out) {
    return v != VALUE_NONE && !failed(r) && evaluate(r, v, 0, out);
}

/* --- what operators ask for --- */

/* The model input that v is computed from, for the message; VALUE_NONE when it is none. */
static value_id culprit(const reader *r, value_id v, int depth) {
    const value *x = graph_value(r->g, v);
    if (x->def == NODE_NONE) return x->region == 0 ? v : VALUE_NONE;
    const node *n = graph_node(r->g, x->def);
    for (uint32_t i = 0; i < n->n_in && depth < MAX_CHAIN; i++) {
        value_id found = culprit(r, n->in[i], depth + 1);
        if (found != VALUE_NONE) return found;
    }
    return VALUE_NONE;
}

bool want_const(reader *r, const call *n, uint32_t i, const char *what) {
    if (failed(r)) return false;
    if (!has_in(n, i)) {
        fail_node(r, FRIT_FORMAT, "operand %u is left out", i);
        return false;
    }
    value_id input = culprit(r, n->in[i], 0);
    const char *name = input == VALUE_NONE ? NULL : graph_value(r->g, input)->name;
    if (!name) {
        fail_node(r, FRIT_UNSUPPORTED, "operand %u decides %s but is computed while the model runs", i, what);
        return false;
    }
    if (r->options->out_wanted) *r->options->out_wanted = name;
    fail_node(r, FRIT_MISSING, "input '%s' decides %s: give its value with --const %s=FILE", name, what, name);
    return false;
}

bool want_dims(reader *r, const call *n, uint32_t i, dim_list *out) {
    known k;
    *out = (dim_list){0};
    if (failed(r)) return false;
    if (known_dims(r, n->in[i], true, &k)) return *out = (dim_list){k.n, k.at}, true;
    return want_const(r, n, i, "sizes");
}

bool want_ints(reader *r, const call *n, uint32_t i, int_list *out) {
    known k;
    tensor t;
    *out = (int_list){0};
    if (failed(r)) return false;
    if (known_dims(r, n->in[i], false, &k)) {
        int64_t *at = ARENA_ARRAY(r->c->job, int64_t, k.n + 1);
        uint32_t j = 0;
        while (j < k.n && dim_is_const(r->dims, k.at[j], &at[j])) j++;
        if (j == k.n) return *out = (int_list){k.n, at}, true;
    } else if (known_tensor(r, n->in[i], &t) && !dtype_is_float(t.dt)) {
        uint32_t count = (uint32_t)tensor_count(&t);
        int64_t *at = ARENA_ARRAY(r->c->job, int64_t, count + 1);
        for (uint32_t j = 0; j < count; j++) at[j] = dtype_load(t.dt, t.data, j).i;
        return *out = (int_list){count, at}, true;
    }
    return want_const(r, n, i, "ranks or axes");
}

bool want_floats(reader *r, const call *n, uint32_t i, f64_list *out) {
    tensor t;
    *out = (f64_list){0};
    if (failed(r)) return false;
    if (!known_tensor(r, n->in[i], &t)) return want_const(r, n, i, "sizes");
    uint32_t count = (uint32_t)tensor_count(&t);
    double *at = ARENA_ARRAY(r->c->job, double, count + 1);
    for (uint32_t j = 0; j < count; j++) at[j] = dtype_to_f64(t.dt, dtype_load(t.dt, t.data, j));
    *out = (f64_list){count, at};
    return true;
}
