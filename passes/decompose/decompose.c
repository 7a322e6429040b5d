/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* decompose: model operators become core operators; floats narrower than 32 bits compute in f32, by explicit casts.
 *
 *    %y = softmax %x {axis = 1} : f32[B, N]
 *  becomes
 *    %m = reduce %x {kind = max, axes = [1]}      %s = reshape %m {dims = [B, 1]}     %d = sub %x, %s
 *    %e = exp %d      %t = reduce %e {axes = [1]}      %u = reshape %t {dims = [B, 1]}      %y = div %e, %u
 *
 * Expects inferred (normalised) attributes; guarantees core operators only. Decompositions of operators with a template
 * come from ir/ops.def; the others are functions of decompose_norm.c, decompose_product.c, decompose_window.c,
 * decompose_resize.c and decompose_random.c. */
#include "passes/decompose/decompose.h"

#include <string.h>

#include "ir/op/scalar.h"
#include "passes/pipeline.h"

static void decompose_template(decomposition *d);

enum { CORE = 1, EW = 0, VIEW = 0, COMM = 0, CMP = 0, FLT = 0, INTG = 0, LOGIC = 0, REGION = 0, NOCSE = 0, SLOW = 0 };
/* NULL for core operators; a model operator with neither template nor function does not link. */
static decompose_fn *const table[N_OPS] = {
#define OP(name, attrs, lo, hi, n_out, flags, template, doc)                                                           \
    ((flags)&CORE) ? NULL : sizeof(template) > 1 ? decompose_template : decompose_##name,
#include "ir/ops.def"
#undef OP
};

uint32_t decompose_range(uint32_t first, uint32_t last, int64_t *axes) {
    for (uint32_t i = first; i < last; i++) axes[i - first] = i;
    return last - first;
}

value_id decompose_count(build *b, value_id x, dtype dt, uint32_t n, const int64_t *axes) {
    if (!build_ok(b)) return VALUE_NONE;
    dim count = dim_const(b->g->dims, 1);
    for (uint32_t i = 0; i < n; i++) count = dim_mul(b->g->dims, count, build_type(b, x)->shape[axes[i]]);
    if (count == DIM_BAD) return build_fail(b, FRIT_RANGE, "an element count overflows 64 bits");
    return build_of_dim(b, dt, count);
}

static uint32_t template_constant(void *data, double x, uint32_t like) {
    decomposition *d = data;
    return like == SCALAR_BOOL ? build_splat(&d->b, FRIT_DT_BOOL, x) : build_like(&d->b, d->in[like], x);
}

static uint32_t template_op(void *data, op_code op, uint32_t n_args, const uint32_t *args) {
    decomposition *d = data;
    return build_node(&d->b, op, n_args, args, NULL);
}

static void decompose_template(decomposition *d) {
    const scalar_expr *e = scalar_of_op(d->b.c->scratch, d->op);
    ASSERT(e);
    scalar_emitter to = {d, template_constant, template_op};
    d->out[0] = scalar_emit(e, d->attrs, d->in, &to);
    /* A template that does not mention a broadcast operand in full still has the model's shape. */
    d->out[0] = build_broadcast(&d->b, d->out[0], d->types[0].rank, d->types[0].shape);
}

/* Core operators that compute with values; the others only move or compare bits in any width. */
static bool computes(op_code op) {
    bool moves = op == OP_cast || op == OP_bitcast || op == OP_select;
    bool adds = op == OP_reduce || op == OP_scan || op == OP_contract || op == OP_attend;
    return !op_is(op, OPF_CORE) || adds || (op_is(op, OPF_EW) && !moves);
}

static bool is_narrow(dtype dt) { return dtype_is_float(dt) && dtype_bits(dt) < 32; }

/* Operands of n in the new graph, widened. */
static bool widen(build *b, const node *n, value_id *in) {
    bool any = false;
    for (uint32_t i = 0; i < n->n_in && computes(n->op); i++) {
        if (!build_ok(b) || !is_narrow(build_type(b, in[i])->dt)) continue;
        in[i] = build_cast(b, in[i], FRIT_DT_F32);
        any = true;
    }
    return any;
}

/* nonzero gets its second operand, the number of elements that it finds: a sum that fuses with what it looks at, and
 * that is known before the indices are written. */
static frit_status count_nonzero(graph_rewriter *r, const node *n, bool *out_done) {
    build b = {.c = r->c, .g = r->to, .loc = n->loc};
    value_id x = r->map[n->in[0]];
    int64_t axes[MAX_RANK];
    bool is_bool = build_type(&b, x)->dt == FRIT_DT_BOOL;
    value_id is_found = is_bool ? x : build_op2(&b, OP_ne, x, build_like(&b, x, 0));
    value_id ones = build_cast(&b, is_found, FRIT_DT_I64);
    if (!build_ok(&b)) return b.status;
    uint32_t n_axes = decompose_range(0, build_rank(&b, ones), axes);
    value_id in[2] = {is_found, build_reduce(&b, RK_sum, ones, n_axes, axes)};
    r->map[n->out] = build_node(&b, OP_nonzero, 2, in, n->attrs);
    *out_done = true;
    return b.status;
}

/* A model operator without a result that holds something needs no formula. */
static bool gives_nothing(const graph *g, const node *n) {
    for (uint32_t i = 0; i < n->n_out; i++)
        if (!graph_is_empty(g, n->out + i)) return false;
    return !op_is(n->op, OPF_CORE);
}

static frit_status rewrite_node(graph_rewriter *r, const node *n, bool *out_done) {
    const uint32_t *uses = r->data;
    build b = {.c = r->c, .g = r->to, .loc = n->loc};
    if (op_is(n->op, OPF_REGION)) return FRIT_OK;
    if (n->op == OP_nonzero && n->n_in == 1) return count_nonzero(r, n, out_done);
    if (gives_nothing(r->from, n)) {
        for (uint32_t i = 0; i < n->n_out; i++)
            r->map[n->out + i] = build_filled(&b, graph_type(r->from, n->out + i), (scalar){0});
        *out_done = true;
        return b.status;
    }
    value_id *in = graph_rewrite_operands(r, n);
    bool is_core = op_is(n->op, OPF_CORE);
    bool any = widen(&b, n, in);
    if (is_core && !any) return b.status;
    tensor_type *types = ARENA_ARRAY(r->c->scratch, tensor_type, n->n_out);
    bool *is_used = ARENA_ARRAY(r->c->scratch, bool, n->n_out);
    value_id *out = ARENA_ARRAY(r->c->scratch, value_id, n->n_out);
    for (uint32_t i = 0; i < n->n_out; i++) {
        types[i] = *graph_type(r->from, n->out + i);
        is_used[i] = uses[n->out + i] > 0;
        out[i] = VALUE_NONE;
    }
    decomposition d = {b, n->op, n->n_in, in, n->attrs, n->n_out, types, is_used, out};
    if (is_core)
        out[0] = build_node(&d.b, n->op, n->n_in, in, n->attrs);
    else
        table[n->op](&d);
    for (uint32_t i = 0; i < n->n_out; i++) {
        if (out[i] != VALUE_NONE && is_narrow(types[i].dt)) out[i] = build_cast(&d.b, out[i], types[i].dt);
        r->map[n->out + i] = out[i];
    }
    *out_done = true;
    return d.b.status;
}

frit_status pass_decompose(cx *c, const graph *g, graph **out) {
    return graph_rewrite(c, g, rewrite_node, graph_count_uses(c->scratch, g), out);
}
