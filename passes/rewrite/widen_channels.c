/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* widen_channels: images of few channels get channels of zeros, so that packs of channels are what products of bytes
 * and of bf16 take at once (dtype_k_pack).
 *
 *    %w = window %x : u8[N, 3, P, Q, 7, 7]           %p = pad %x {hi = [0, 1, 0, 0]} : u8[N, 4, H, W]
 *    %y = contract %w, %k : i32[N, O, P, Q]          %w = window %p : u8[N, 4, P, Q, 7, 7]
 *                              becomes               %y = contract %w, %k4 : i32[N, O, P, Q]     %k4: zeros behind %k
 *
 * The first layer of every network over pictures is one. Without it no run of channels is a whole pack and every byte
 * would be placed by itself; the image is stored in another form in front of such a layer anyhow. At most twice as many
 * channels: more work than that is not worth it. Expects folded constants. */
#include <string.h>

#include "passes/kit/build.h"
#include "passes/pipeline.h"

/* One contraction that may change: the window is operand `side`. */
typedef struct widening {
    const attr_contract *a;
    const node *window;
    const const_data *weights;
    uint32_t side, x_axis, weight_axis; /* of the channels */
    int64_t more;                       /* channels that are added */
} widening;

static bool is_slid(const attr_window *w, uint32_t axis) {
    for (uint32_t i = 0; i < w->axes.n; i++)
        if (w->axes.at[i] == (int64_t)axis) return true;
    return false;
}

/* Finds the one axis of the image that is summed and that no window slides along. */
static bool find_channels(const graph *g, widening *w) {
    const char *labels = w->side ? w->a->rhs : w->a->lhs, *others = w->side ? w->a->lhs : w->a->rhs;
    uint32_t rank = graph_type(g, w->window->in[0])->rank, n_found = 0;
    for (uint32_t i = 0; i < rank; i++) {
        const char *other = strchr(others, labels[i]);
        if (is_slid(w->window->attrs, i) || strchr(w->a->out, labels[i]) || !other) continue;
        w->x_axis = i;
        w->weight_axis = (uint32_t)(other - others);
        n_found++;
    }
    return n_found == 1;
}

static bool finds(const graph *g, const node *n, uint32_t side, widening *w) {
    uint32_t k_pack = dtype_k_pack(graph_type(g, n->in[0])->dt, graph_type(g, n->in[1])->dt);
    int64_t channels;
    *w = (widening){.a = n->attrs, .side = side, .window = graph_def(g, n->in[side])};
    w->weights = graph_const(g, n->in[1 - side]);
    if (k_pack < 2 || !w->window || w->window->op != OP_window) return false;
    if (!w->weights || w->weights->kind != CONST_DENSE || !w->weights->bytes || !find_channels(g, w)) return false;
    if (!dim_is_const(g->dims, graph_type(g, w->window->in[0])->shape[w->x_axis], &channels)) return false;
    w->more = (k_pack - channels % k_pack) % k_pack;
    return w->more > 0 && w->more <= channels;
}

/* The weights with zeros behind their last channel. */
static value_id wider_weights(build *b, const widening *w) {
    const const_data *d = w->weights;
    size_t bytes = dtype_bits(d->dt) / 8, outer = 1, inner = bytes, n = (size_t)d->dims.at[w->weight_axis];
    int64_t *dims = ARENA_ARRAY(b->g->a, int64_t, d->dims.n + 1u);
    for (uint32_t i = 0; i < d->dims.n; i++) {
        dims[i] = d->dims.at[i];
        if (i < w->weight_axis) outer *= (size_t)dims[i];
        if (i > w->weight_axis) inner *= (size_t)dims[i];
    }
    dims[w->weight_axis] += w->more;
    size_t wide = (n + (size_t)w->more) * inner;
    uint8_t *to = arena_alloc(b->g->a, outer * wide + 1);
    memset(to, 0, outer * wide);
    for (size_t i = 0; i < outer; i++) memcpy(to + i * wide, (const uint8_t *)d->bytes + i * n * inner, n * inner);
    const const_data wider = {.dt = d->dt, .dims = {d->dims.n, dims}, .bytes = to};
    value_id v = VALUE_NONE;
    if (build_ok(b)) b->status = graph_const_bytes(b->c, b->g, &wider, &v);
    return v;
}

static value_id wider_window(graph_rewriter *r, build *b, const widening *w) {
    uint32_t rank = graph_type(r->from, w->window->in[0])->rank;
    dim lo[MAX_RANK], hi[MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) lo[i] = hi[i] = dim_const(b->g->dims, 0);
    hi[w->x_axis] = dim_const(b->g->dims, w->more);
    const attr_pad a = {.lo = {rank, lo}, .hi = {rank, hi}};
    value_id x = r->map[w->window->in[0]];
    value_id in[2] = {build_node(b, OP_pad, 1, &x, &a), VALUE_NONE};
    if (w->window->n_in > 1) in[1] = r->map[w->window->in[1]];
    return build_node(b, OP_window, w->window->n_in, in, w->window->attrs);
}

static frit_status widen_node(graph_rewriter *r, const node *n, bool *out_done) {
    widening w;
    if (n->op != OP_contract || !(finds(r->from, n, 0, &w) || finds(r->from, n, 1, &w))) return FRIT_OK;
    build b = {.c = r->c, .g = r->to, .loc = n->loc};
    value_id in[2];
    in[w.side] = wider_window(r, &b, &w);
    in[1 - w.side] = wider_weights(&b, &w);
    r->map[n->out] = build_contract(&b, in[0], in[1], w.a->lhs, w.a->rhs, w.a->out);
    *out_done = true;
    return b.status;
}

frit_status pass_widen_channels(cx *c, const graph *g, graph **out) {
    graph *widened = NULL;
    TRY(graph_rewrite(c, g, widen_node, NULL, &widened));
    return graph_sweep(c, widened, out);
}
