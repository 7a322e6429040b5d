/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* to_bf16 and raise_bf16: products of bf16 whose sums are f32.
 *
 *    to_bf16 (asked for by --precision=bf16)        raise_bf16 (always)
 *    %y = contract %x, %w : f32[M, N]               %a = cast %x {to = f32}    %b = cast %w {to = f32}
 *                                                   %y = contract %a, %b : f32[M, N]
 *  becomes                                        becomes
 *    %a = cast %x {to = bf16}  %b = cast %w ..      %y = contract %x, %w : f32[M, N]     with %x, %w: bf16
 *    %y = contract %a, %b : f32[M, N]
 *
 * to_bf16 changes results, and only of contractions: everything between them stays f32. raise_bf16 is exact: it looks
 * through reshapes and transposes for values that were bf16, so that models in bf16 keep the roundings that they ask
 * for in front of a product. Both expect core operators and must run before casts and constants are folded. */
#include "passes/kit/build.h"
#include "passes/pipeline.h"

#include <string.h>

static bool is_f32_contract(const graph *g, const node *n) {
    return n->op == OP_contract && graph_type(g, n->in[0])->dt == FRIT_DT_F32 &&
           graph_type(g, n->in[1])->dt == FRIT_DT_F32;
}

static void replace(graph_rewriter *r, build *b, const node *n, const value_id *in) {
    const attr_contract *a = n->attrs;
    r->map[n->out] = build_contract(b, in[0], in[1], a->lhs, a->rhs, a->out);
}

/* Views that move elements and make none: padding would have to be padded anew. */
static bool is_seen_through(op_code op) { return op == OP_reshape || op == OP_transpose || op == OP_slice; }

/* Rounded to nearest even; the bits of NaN may become any NaN's. */
static uint16_t bf16_of(uint32_t f32) {
    bool is_nan = (f32 & 0x7fffffff) > 0x7f800000;
    return (uint16_t)((is_nan ? f32 | 0x400000 : f32 + 0x7fff + (f32 >> 16 & 1)) >> 16);
}

/* d, dense f32, rounded. */
static value_id rounded_constant(build *b, const const_data *d) {
    size_t n = (size_t)const_count(d);
    const uint8_t *from = d->bytes;
    uint16_t *to = arena_alloc(b->g->a, n * sizeof *to + 1);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, from + i * sizeof bits, sizeof bits);
        to[i] = bf16_of(bits);
    }
    const const_data rounded = {.dt = FRIT_DT_BF16, .dims = d->dims, .bytes = to};
    value_id v = VALUE_NONE;
    if (build_ok(b)) b->status = graph_const_bytes(b->c, b->g, &rounded, &v);
    return v;
}

/* Operand v of the old graph, rounded: weights at once, whatever views they are seen through. */
static value_id rounded(graph_rewriter *r, build *b, value_id v) {
    const node *n = graph_def(r->from, v);
    const const_data *d = graph_const(r->from, v);
    if (d && d->kind == CONST_DENSE && d->bytes) return rounded_constant(b, d);
    value_id base = v;
    while (n && is_seen_through(n->op)) n = graph_def(r->from, base = n->in[0]);
    if (base == v || !graph_const(r->from, base)) return build_cast(b, r->map[v], FRIT_DT_BF16);
    n = graph_def(r->from, v);
    value_id inner = rounded(r, b, n->in[0]);
    return build_node(b, n->op, 1, &inner, n->attrs);
}

static frit_status lower_node(graph_rewriter *r, const node *n, bool *out_done) {
    if (!is_f32_contract(r->from, n)) return FRIT_OK;
    build b = {.c = r->c, .g = r->to, .loc = n->loc};
    value_id in[2];
    for (int i = 0; i < 2; i++) in[i] = rounded(r, &b, n->in[i]);
    replace(r, &b, n, in);
    *out_done = true;
    return b.status;
}

frit_status pass_to_bf16(cx *c, const graph *g, graph **out) {
    graph *lowered = NULL;
    TRY(graph_rewrite(c, g, lower_node, NULL, &lowered));
    return graph_sweep(c, lowered, out);
}

/* Whether v (old graph) is bf16 seen as f32. */
static bool was_bf16(const graph *g, value_id v) {
    const node *n = graph_def(g, v);
    while (n && is_seen_through(n->op)) n = graph_def(g, n->in[0]);
    return n && n->op == OP_cast && graph_type(g, n->in[0])->dt == FRIT_DT_BF16;
}

/* Whether v (old graph) is a constant whose numbers are all bf16's: folding has cast it already. */
static bool holds_bf16(const graph *g, value_id v) {
    const const_data *d = graph_const(g, v);
    if (!d || d->kind != CONST_DENSE || !d->bytes) return false;
    const uint8_t *from = d->bytes;
    for (size_t i = 0, n = (size_t)const_count(d); i < n; i++) {
        uint16_t low;
        memcpy(&low, from + i * sizeof(float), sizeof low);
        if (low) return false;
    }
    return true;
}

/* v of the old graph, in bf16, in the new one. */
static value_id as_bf16(graph_rewriter *r, build *b, value_id v) {
    const node *n = graph_def(r->from, v);
    if (graph_const(r->from, v)) return rounded_constant(b, graph_const(r->from, v));
    if (n->op == OP_cast) return r->map[n->in[0]];
    value_id inner = as_bf16(r, b, n->in[0]);
    return build_node(b, n->op, 1, &inner, n->attrs);
}

static frit_status raise_node(graph_rewriter *r, const node *n, bool *out_done) {
    if (!is_f32_contract(r->from, n)) return FRIT_OK;
    bool was[2] = {was_bf16(r->from, n->in[0]), was_bf16(r->from, n->in[1])};
    if (!was[0] && !was[1]) return FRIT_OK;
    for (int i = 0; i < 2; i++)
        if (!was[i] && !holds_bf16(r->from, n->in[i])) return FRIT_OK;
    build b = {.c = r->c, .g = r->to, .loc = n->loc};
    value_id in[2];
    for (int i = 0; i < 2; i++) in[i] = as_bf16(r, &b, n->in[i]);
    replace(r, &b, n, in);
    *out_done = true;
    return b.status;
}

frit_status pass_raise_bf16(cx *c, const graph *g, graph **out) {
    graph *raised = NULL;
    TRY(graph_rewrite(c, g, raise_node, NULL, &raised));
    return graph_sweep(c, raised, out);
}
