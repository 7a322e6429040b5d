/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* widen_sums (asked for by --unfused): what sums f32 sums f64 and rounds once, at the end, as the evaluator does.
 *
 *    %y = contract %x, %w : f32[M, N]
 *  becomes
 *    %a = cast %x {to = f64}    %b = cast %w {to = f64}
 *    %c = contract %a, %b : f64[M, N]
 *    %y = cast %c {to = f32} : f32[M, N]
 *
 * Contractions, attention, sums and products along axes. Expects core operators. */
#include "passes/kit/build.h"
#include "passes/pipeline.h"

static bool sums(const node *n) {
    if (n->op == OP_contract || n->op == OP_attend) return true;
    if (n->op != OP_reduce) return false;
    const attr_reduce *a = n->attrs;
    return a->kind == RK_sum || a->kind == RK_prod;
}

static frit_status widen_node(graph_rewriter *r, const node *n, bool *out_done) {
    if (!sums(n) || graph_type(r->from, n->out)->dt != FRIT_DT_F32) return FRIT_OK;
    build b = {.c = r->c, .g = r->to, .loc = n->loc};
    value_id *in = graph_rewrite_operands(r, n);
    for (uint32_t i = 0; i < n->n_in; i++)
        if (dtype_is_float(graph_type(r->from, n->in[i])->dt)) in[i] = build_cast(&b, in[i], FRIT_DT_F64);
    r->map[n->out] = build_cast(&b, build_node(&b, n->op, n->n_in, in, n->attrs), FRIT_DT_F32);
    *out_done = true;
    return b.status;
}

frit_status pass_widen_sums(cx *c, const graph *g, graph **out) {
    graph *widened = NULL;
    TRY(graph_rewrite(c, g, widen_node, NULL, &widened));
    return graph_sweep(c, widened, out);
}
