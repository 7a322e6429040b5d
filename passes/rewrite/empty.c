/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* empty: no node reads or makes a value that provably has no elements; kernels may then take every extent for positive
 * or unknown.
 *
 *    %s = reduce %x {axes = [1]} : f32[B]            -- %x: f32[B, 0]
 *  becomes
 *    %0 = const splat(0)      %s = broadcast %0 {dims = [B]} : f32[B]
 *
 * Expects core operators. Values that are only perhaps empty (a symbol that may be 0) stay as they are. */
#include <string.h>

#include "ir/op/combine.h"
#include "passes/kit/build.h"
#include "passes/pipeline.h"

static scalar reduce_identity(reduce_kind kind, dtype dt) {
    static const combiner of[] = {
        [RK_sum] = COMBINE_sum, [RK_prod] = COMBINE_prod, [RK_max] = COMBINE_max, [RK_min] = COMBINE_min};
    return combiner_identity(of[kind], 0, dt);
}

/* What stands for a node whose result holds something although an operand does not; VALUE_NONE: the node stays. */
typedef value_id empty_fn(build *b, const node *n, const value_id *in, const graph *from);

static value_id empty_reduce(build *b, const node *n, const value_id *in, const graph *from) {
    (void)in;
    reduce_kind kind = ((const attr_reduce *)n->attrs)->kind;
    const tensor_type *t = graph_type(from, n->out);
    return kind > RK_min ? VALUE_NONE : build_filled(b, t, reduce_identity(kind, t->dt));
}

static value_id empty_sum(build *b, const node *n, const value_id *in, const graph *from) {
    (void)in;
    return build_filled(b, graph_type(from, n->out), (scalar){0});
}

/* Over no keys: zeros. Queries and keys without columns have scores of 0, as ones of a single column of zeros have. */
static value_id empty_attend(build *b, const node *n, const value_id *in, const graph *from) {
    uint32_t rank = graph_type(from, n->in[0])->rank;
    if (graph_is_empty(from, n->in[2])) return empty_sum(b, n, in, from);
    value_id wide[4] = {VALUE_NONE, VALUE_NONE, in[2], n->n_in > 3 ? in[3] : VALUE_NONE};
    for (uint32_t i = 0; i < 2; i++) {
        dim shape[MAX_RANK];
        const tensor_type *t = graph_type(from, n->in[i]);
        memcpy(shape, t->shape, rank * sizeof *shape);
        shape[rank - 1] = dim_const(b->g->dims, 1);
        wide[i] = build_filled(b, &(tensor_type){t->dt, rank, shape}, (scalar){0});
    }
    attr_attend a = *(const attr_attend *)n->attrs;
    a.scale = 1;
    return build_node(b, OP_attend, n->n_in, wide, &a);
}

static value_id empty_padded(build *b, const node *n, const value_id *in, const graph *from) {
    const tensor_type *t = graph_type(from, n->out);
    if (!graph_is_empty(from, n->in[0])) return VALUE_NONE;
    return n->n_in > 1 ? build_broadcast(b, in[1], t->rank, t->shape) : build_filled(b, t, (scalar){0});
}

static value_id empty_concat(build *b, const node *n, const value_id *in, const graph *from) {
    value_id *kept = ARENA_ARRAY(b->c->scratch, value_id, n->n_in);
    uint32_t n_kept = 0;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (!graph_is_empty(from, n->in[i])) kept[n_kept++] = in[i];
    return n_kept == 1 ? kept[0] : build_node(b, OP_concat, n_kept, kept, n->attrs);
}

static value_id empty_update(build *b, const node *n, const value_id *in, const graph *from) {
    (void)b, (void)n, (void)from;
    return in[0];
}

/* Every other operator with a result that holds something reads nothing empty. */
static empty_fn *const table[N_OPS] = {
    [OP_reduce] = empty_reduce, [OP_contract] = empty_sum,      [OP_attend] = empty_attend,
    [OP_pad] = empty_padded,    [OP_window] = empty_padded,     [OP_concat] = empty_concat,
    [OP_update] = empty_update, [OP_scatter_nd] = empty_update, [OP_scatter_elements] = empty_update,
};

static frit_status rewrite_node(graph_rewriter *r, const node *n, bool *out_done) {
    if (op_is(n->op, OPF_REGION) || n->op == OP_const || n->op == OP_broadcast) return FRIT_OK;
    bool all_empty = n->n_out > 0, reads_empty = false;
    for (uint32_t i = 0; i < n->n_out; i++) all_empty = all_empty && graph_is_empty(r->from, n->out + i);
    for (uint32_t i = 0; i < n->n_in; i++) reads_empty = reads_empty || graph_is_empty(r->from, n->in[i]);
    if (!all_empty && !reads_empty) return FRIT_OK;
    build b = {.c = r->c, .g = r->to, .loc = n->loc};
    const value_id *in = graph_rewrite_operands(r, n);
    for (uint32_t i = 0; i < n->n_out && all_empty; i++)
        r->map[n->out + i] = build_filled(&b, graph_type(r->from, n->out + i), (scalar){0});
    if (!all_empty) {
        value_id out = table[n->op] ? table[n->op](&b, n, in, r->from) : VALUE_NONE;
        if (build_ok(&b) && out == VALUE_NONE) return FRIT_OK;
        r->map[n->out] = out;
    }
    *out_done = true;
    return b.status;
}

frit_status pass_empty(cx *c, const graph *g, graph **out) { return graph_rewrite(c, g, rewrite_node, NULL, out); }
