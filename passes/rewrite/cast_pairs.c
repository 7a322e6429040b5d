/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* cast_pairs: drops the rounding between two operators that both compute wider than the model stores.
 *
 *    %h = cast %x {to = f16} : f16[B]      %y = cast %h {to = f32} : f32[B]
 *  becomes
 *    %x
 *
 * Changes results (towards the unrounded ones), so that it is a pass of its own: --exact-casts disables it. Casts whose
 * narrow value is an output or moves through memory anyway stay for those users. */
#include "passes/kit/build.h"
#include "passes/pipeline.h"

static frit_status rewrite_node(graph_rewriter *r, const node *n, bool *out_done) {
    if (n->op != OP_cast) return FRIT_OK;
    const node *inner = graph_def(r->to, r->map[n->in[0]]);
    if (!inner || inner->op != OP_cast) return FRIT_OK;
    dtype from = graph_type(r->to, inner->in[0])->dt, mid = graph_type(r->from, n->in[0])->dt;
    dtype to = ((const attr_cast *)n->attrs)->to;
    bool is_pair = from == to && dtype_is_float(from) && dtype_is_float(mid) && dtype_bits(mid) < dtype_bits(from);
    if (!is_pair) return FRIT_OK;
    r->map[n->out] = inner->in[0];
    *out_done = true;
    return FRIT_OK;
}

frit_status pass_cast_pairs(cx *c, const graph *g, graph **out) {
    graph *dropped = NULL;
    TRY(graph_rewrite(c, g, rewrite_node, NULL, &dropped));
    return graph_sweep(c, dropped, out);
}
