/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The plain form of a graph: the program without where it came from. Source locations and the files of weights are
 * gone, dead nodes too, so that one program gives one text whether it was read from a file or recorded, and the text
 * holds all that is needed to compile it. Names, operators and their order stay.
 *
 *     %w = const file("m.onnx", "w") : f32[2]              %w = const dense<1, 2> : f32[2]
 *     %dead = exp %x : f32[2] loc("e")              ->
 *     %y = add %x, %w : f32[2] loc("a")                    %y = add %x, %w : f32[2]
 */
#include "ir/graph/graph.h"

/* A const with its bytes at hand; one whose file is not mapped keeps its name. */
static frit_status plain_const(graph_rewriter *r, const node *n) {
    attr_const a = *(const attr_const *)n->attrs;
    if (a.data.bytes) a.data.file = a.data.key = NULL;
    return graph_add(r->c, r->to, OP_const, 0, 0, NULL, &a, &r->map[n->out]);
}

static frit_status plain_node(graph_rewriter *r, const node *n, bool *out_done) {
    *out_done = n->n_regions == 0;
    if (!*out_done) return FRIT_OK; /* copied with its regions, whose nodes come here again */
    if (n->op == OP_const) return plain_const(r, n);
    value_id first;
    TRY(graph_add(r->c, r->to, n->op, 0, n->n_in, graph_rewrite_operands(r, n), n->attrs, &first));
    for (uint32_t i = 0; i < n->n_out; i++) r->map[n->out + i] = first + i;
    return FRIT_OK;
}

frit_status graph_plain(cx *c, const graph *g, graph **out) {
    TRY(graph_rewrite(c, g, plain_node, NULL, out));
    graph *p = *out;
    for (uint32_t i = 0; i < p->nodes.n; i++) p->nodes.at[i].loc = 0;
    for (uint32_t i = 0; i < p->contracts.n; i++) { /* their texts begin with locations */
        contract *k = &p->contracts.at[i];
        bool broadcasts = k->kind == CK_BROADCASTS || k->kind == CK_EXPANDS;
        if (broadcasts) k->text = "sizes";
        if (broadcasts) continue;
        k->text = arena_printf(p->a, "%s and %s must %s", dim_text(p->a, p->dims, k->lhs),
                               dim_text(p->a, p->dims, k->rhs), k->kind == CK_EQUAL ? "be equal" : "be in order");
    }
    return FRIT_OK;
}
