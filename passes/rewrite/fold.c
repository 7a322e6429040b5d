/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fold: nodes whose operands are constants become constants, by the evaluator.
 *
 *    %a = const dense<1, 2> : f32[2]      %b = add %a, %a : f32[2]
 *  becomes
 *    %b = const dense<2, 4> : f32[2]
 *
 * Views of splats stay splats and reshapes keep their bytes, of any size. Other work is bounded: what is left of
 * constant subgraphs is for the init plan, which runs compiled code. Matrices of bytes are not widened. iota and the
 * sizes of static shapes count as constants here but are not stored as such by themselves. */
#include "passes/rewrite/fold.h"

#include <string.h>

#include "ir/eval/eval.h"
#include "passes/pipeline.h"

enum { MAX_OUT = 1 << 16, MAX_IN = 1 << 20, MAX_WORK = 1 << 22 };

/* Elements of a static type; -1 when a dim is symbolic. */
static int64_t static_count(const graph *g, const tensor_type *t) {
    int64_t n = 1, d = 0;
    for (uint32_t i = 0; i < t->rank; i++)
        if (!dim_is_const(g->dims, t->shape[i], &d) || d < 0 || __builtin_mul_overflow(n, d, &n)) return -1;
    return n;
}

static int_list static_dims(const graph *g, arena *a, const tensor_type *t) {
    int64_t *dims = ARENA_ARRAY(a, int64_t, t->rank + 1);
    for (uint32_t i = 0; i < t->rank; i++) dim_is_const(g->dims, t->shape[i], &dims[i]);
    return (int_list){t->rank, dims};
}

static bool has_symbols(const graph *g, const node *n) {
    const attr_type *t = op_info_of(n->op)->attrs;
    for (uint32_t i = 0; i < t->n_fields; i++) {
        if (t->fields[i].kind != FK_DIMS) continue;
        const dim_list *l = (const void *)((const char *)n->attrs + t->fields[i].offset);
        for (uint32_t k = 0; k < l->n; k++)
            if (!dim_is_const(g->dims, l->at[k], NULL)) return true;
    }
    return false;
}

/* A const with its bytes at hand, or a source that the evaluator can make. */
static bool is_source(const graph *g, value_id v) {
    const node *n = graph_def(g, v);
    if (!n) return false;
    if (n->op == OP_iota || n->op == OP_from_dims) return !has_symbols(g, n);
    if (n->op != OP_const) return false;
    const const_data *d = &((const attr_const *)n->attrs)->data;
    return d->kind != CONST_DENSE || d->bytes || const_count(d) == 0;
}

static value_id const_of(build *b, const const_data *d) {
    value_id out = VALUE_NONE;
    if (build_ok(b)) b->status = graph_const_bytes(b->c, b->g, d, &out);
    return out;
}

/* Views that permute or repeat elements: of a splat they are a splat. */
static bool keeps_splat(op_code op) {
    return op == OP_reshape || op == OP_transpose || op == OP_broadcast || op == OP_slice;
}

/* Folds that need no evaluation. */
static value_id fold_view(build *b, const node *n) {
    const const_data *d = n->n_in == 1 ? graph_const(b->g, n->in[0]) : NULL;
    const tensor_type *t = graph_type(b->g, n->out);
    if (!d || static_count(b->g, t) < 0) return VALUE_NONE;
    const_data copy = *d;
    copy.dims = static_dims(b->g, b->g->a, t);
    if (n->op == OP_reshape) return const_of(b, &copy);
    scalar s = {0};
    if (!keeps_splat(n->op) || !const_is_splat(d, &s)) return VALUE_NONE;
    copy.kind = CONST_SPLAT;
    copy.splat = s;
    copy.bytes = copy.file = copy.key = NULL;
    return const_of(b, &copy);
}

static bool is_affordable(const graph *g, const node *n) {
    int64_t out = static_count(g, graph_type(g, n->out)), in = 0;
    if (out < 0 || out > MAX_OUT || has_symbols(g, n)) return false;
    for (uint32_t i = 0; i < n->n_in; i++) {
        int64_t count = static_count(g, graph_type(g, n->in[i]));
        if (count < 0 || count > MAX_IN || !is_source(g, n->in[i])) return false;
        in += count;
    }
    bool is_linear = op_is(n->op, OPF_EW) || op_is(n->op, OPF_VIEW) || n->op == OP_gather || n->op == OP_reduce;
    return is_linear || out * (in + 1) <= MAX_WORK;
}

static frit_status source_tensor(eval_cx *e, value_id v, tensor *out) {
    const node *n = graph_def(e->g, v);
    if (n->op == OP_const) return eval_const(e->c, e->a, &((const attr_const *)n->attrs)->data, out);
    return eval_node(e, n, NULL, out);
}

/* A uniform result is stored as a splat. */
static const_data data_of(const graph *g, arena *a, const tensor_type *t, const tensor *x) {
    const_data d = {.dt = x->dt, .dims = static_dims(g, a, t), .bytes = x->data};
    int64_t n = tensor_count(x);
    if (n == 0) return d;
    scalar first = dtype_load(x->dt, x->data, 0);
    for (int64_t i = 1; i < n; i++) {
        scalar s = dtype_load(x->dt, x->data, (size_t)i);
        if (memcmp(&s, &first, sizeof s)) return d;
    }
    d.kind = CONST_SPLAT;
    d.splat = first;
    d.bytes = NULL;
    return d;
}

/* A matrix of bytes or less being widened: stored wide it would be four times as large, and whoever multiplies by it
 * can take it as it is. Vectors of any rank (zero points) are folded. */
static bool is_dequantisation(const graph *g, const node *n) {
    if (n->op != OP_cast) return false;
    const tensor_type *from = graph_type(g, n->in[0]);
    const const_data *d = graph_const(g, n->in[0]);
    bool is_narrow = dtype_is_integer(from->dt) && dtype_bits(from->dt) <= 8;
    uint32_t n_long = 0;
    for (uint32_t i = 0; d && i < d->dims.n; i++) n_long += d->dims.at[i] > 1;
    return is_narrow && n_long >= 2 && d->kind == CONST_DENSE && dtype_bits(graph_type(g, n->out)->dt) > 8;
}

value_id fold_node(build *b, const node *n) {
    bool is_pure = !op_is(n->op, OPF_REGION) && !op_is(n->op, OPF_NOCSE) && n->n_out == 1 &&
                   (n->n_in > 0 || n->op == OP_from_dims);
    if (!is_pure || !build_ok(b)) return VALUE_NONE;
    value_id view = fold_view(b, n);
    if (view != VALUE_NONE || !build_ok(b)) return view;
    if (is_dequantisation(b->g, n) || !is_affordable(b->g, n)) return VALUE_NONE;
    cx inner = {.job = b->c->job, .scratch = b->c->scratch};
    eval_cx e = {.c = &inner, .g = b->g, .a = b->g->a};
    e.syms = ARENA_ARRAY(b->c->scratch, int64_t, dim_n_syms(b->g->dims) + 1);
    for (uint32_t i = 0; i < dim_n_syms(b->g->dims); i++) e.syms[i] = INT64_MIN;
    e.values = ARENA_ARRAY(b->c->scratch, tensor, b->g->values.n + 1);
    tensor *in = ARENA_ARRAY(b->c->scratch, tensor, n->n_in), out;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (source_tensor(&e, n->in[i], &in[i]) != FRIT_OK) return VALUE_NONE;
    if (eval_node(&e, n, in, &out) != FRIT_OK) return VALUE_NONE; /* e.g. an index out of range: fails when run */
    const_data d = data_of(b->g, b->g->a, graph_type(b->g, n->out), &out);
    return const_of(b, &d);
}

static frit_status rewrite_node(graph_rewriter *r, const node *n, bool *out_done) {
    if (op_is(n->op, OPF_REGION) || n->n_out != 1 || n->op == OP_const) return FRIT_OK;
    build b = {.c = r->c, .g = r->to, .loc = n->loc};
    value_id v = build_node(&b, n->op, n->n_in, graph_rewrite_operands(r, n), n->attrs);
    if (!build_ok(&b)) return b.status;
    const node *candidate = graph_def(r->to, v);
    node copy = candidate ? *candidate : (node){0};
    value_id folded = candidate ? fold_node(&b, &copy) : VALUE_NONE;
    r->map[n->out] = folded != VALUE_NONE ? folded : v;
    *out_done = true;
    return b.status;
}

frit_status pass_fold(cx *c, const graph *g, graph **out) {
    graph *folded = NULL;
    TRY(graph_rewrite(c, g, rewrite_node, NULL, &folded));
    return graph_sweep(c, folded, out); /* leaves the folded nodes behind */
}
