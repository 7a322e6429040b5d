/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* layout: values of images stand with their channels last where that is cheaper, for the whole graph at once.
 *
 *    %w = window %x : f32[N, C, P, Q, 3, 3]      %y = contract %w, %k {lhs = ncpqrs, rhs = ocrs, out = nopq}
 *  becomes
 *    %a = transpose %x : f32[N, H, W, C]         %b = window %a      %c = transpose %b : f32[N, P, Q, 3, 3, C]
 *    %d = contract %c, %k {lhs = npqrsc, rhs = ocrs, out = npqo}     %y = transpose %d : f32[N, C, P, Q]
 *
 * and what is added, pooled, concatenated follows, so that transposes are left only at the edges of the model. Then a
 * 1x1 convolution is a matrix product, a wider one reads runs of channels, weights are columns, and pooling and
 * depthwise convolutions run along the vectors.
 *
 * layout_axes.c finds the axes, layout_cost.c the nodes, this file writes the graph. Expects core operators in
 * canonical form. Changes no value: only the order in which sums over (channel, tap) are written. */
#include "passes/layout/layout.h"

#include <string.h>

#include "passes/kit/build.h"
#include "passes/pipeline.h"

/* Channels below which a convolution reads whole rows of an image that is padded in memory: its inner runs are then
 * (tap, channel) together, which a border between two pixels would cut. */
enum { FEW_CHANNELS = 16 };

typedef struct writer {
    const layout *l;
    graph_rewriter *r;
    build b;
    value_id *last; /* old value -> its other form in the new graph, VALUE_NONE until there is one */
} writer;

/* ---- forms of values */

/* x (of the new graph) with the axes of the set last; the same bytes are only reshaped. */
static value_id to_last(build *b, value_id x, uint32_t set) {
    if (!build_ok(b)) return VALUE_NONE;
    const tensor_type t = *build_type(b, x);
    uint32_t order[MAX_RANK];
    dim shape[MAX_RANK];
    int64_t perm[MAX_RANK];
    bool is_still = true;
    layout_order(t.rank, set, order);
    for (uint32_t i = 0; i < t.rank; i++) {
        perm[i] = order[i];
        shape[i] = t.shape[order[i]];
        is_still = is_still && order[i] == i;
    }
    if (is_still) return x;
    return layout_is_same(b->g, &t, set) ? build_reshape(b, x, t.rank, shape) : build_transpose(b, x, perm);
}

/* The inverse: x is the other form, t the type in graph order. */
static value_id write_back(build *b, value_id x, const tensor_type *t, uint32_t set) {
    uint32_t order[MAX_RANK];
    int64_t perm[MAX_RANK];
    bool is_still = true;
    layout_order(t->rank, set, order);
    for (uint32_t i = 0; i < t->rank; i++) {
        perm[order[i]] = i;
        is_still = is_still && order[i] == i;
    }
    if (is_still) return x;
    return layout_is_same(b->g, t, set) ? build_reshape(b, x, t->rank, t->shape) : build_transpose(b, x, perm);
}

/* Old value v in its other form. */
static value_id last_of(writer *t, value_id v) {
    if (t->last[v] == VALUE_NONE) t->last[v] = to_last(&t->b, t->r->map[v], t->l->channels[v]);
    return t->last[v];
}

/* Old value v of rank up to `rank`, with leading axes of extent 1 added, with the set last. */
static value_id form_of(writer *t, value_id v, uint32_t rank, uint32_t set) {
    const tensor_type *type = graph_type(t->l->g, v);
    if (type->rank == 0) return t->r->map[v];
    if (type->rank == rank && set && set == t->l->channels[v]) return last_of(t, v);
    value_id x = t->r->map[v];
    if (type->rank < rank) {
        dim shape[MAX_RANK];
        uint32_t more = rank - type->rank;
        for (uint32_t i = 0; i < more; i++) shape[i] = dim_const(t->b.g->dims, 1);
        memcpy(shape + more, type->shape, type->rank * sizeof *shape);
        x = build_reshape(&t->b, x, rank, shape);
    }
    return to_last(&t->b, x, set);
}

/* place[axis]: where that axis stands. */
static void places(uint32_t rank, uint32_t set, uint32_t *place) {
    uint32_t order[MAX_RANK];
    layout_order(rank, set, order);
    for (uint32_t i = 0; i < rank; i++) place[order[i]] = i;
}

static void write_dims(uint32_t rank, uint32_t set, const dim *in, dim *out) {
    uint32_t order[MAX_RANK];
    layout_order(rank, set, order);
    for (uint32_t i = 0; i < rank; i++) out[i] = in[order[i]];
}

/* ---- nodes with channels last; each returns the other form of n's result */

typedef value_id write_fn(writer *t, const node *n, uint32_t set);

/* The set that n's first operand has. */
static uint32_t operand_set(const writer *t, const node *n, uint32_t set) {
    uint32_t out = 0;
    layout_operand_channels(t->l, n, 0, set, &out);
    return out;
}

static value_id first_operand(writer *t, const node *n, uint32_t set) {
    return form_of(t, n->in[0], graph_type(t->l->g, n->in[0])->rank, operand_set(t, n, set));
}

static value_id write_elementwise(writer *t, const node *n, uint32_t set) {
    uint32_t rank = graph_type(t->l->g, n->out)->rank;
    value_id in[3];
    for (uint32_t i = 0; i < n->n_in; i++) in[i] = form_of(t, n->in[i], rank, set);
    return build_node(&t->b, n->op, n->n_in, in, n->attrs);
}

static value_id write_reshape(writer *t, const node *n, uint32_t set) {
    const tensor_type *y = graph_type(t->l->g, n->out);
    dim shape[MAX_RANK];
    write_dims(y->rank, set, y->shape, shape);
    return build_reshape(&t->b, first_operand(t, n, set), y->rank, shape);
}

static value_id write_transpose(writer *t, const node *n, uint32_t set) {
    const attr_perm *p = n->attrs;
    uint32_t order[MAX_RANK], place[MAX_RANK];
    int64_t perm[MAX_RANK];
    bool is_still = true;
    layout_order(p->perm.n, set, order);
    places(p->perm.n, operand_set(t, n, set), place);
    for (uint32_t i = 0; i < p->perm.n; i++) {
        perm[i] = place[p->perm.at[order[i]]];
        is_still = is_still && perm[i] == (int64_t)i;
    }
    value_id x = first_operand(t, n, set);
    return is_still ? x : build_transpose(&t->b, x, perm);
}

static value_id write_broadcast(writer *t, const node *n, uint32_t set) {
    const tensor_type *y = graph_type(t->l->g, n->out);
    dim shape[MAX_RANK];
    write_dims(y->rank, set, y->shape, shape);
    return build_broadcast(&t->b, form_of(t, n->in[0], y->rank, set), y->rank, shape);
}

static value_id write_slice(writer *t, const node *n, uint32_t set) {
    const attr_slice *s = n->attrs;
    uint32_t order[MAX_RANK], rank = s->starts.n;
    dim starts[MAX_RANK], sizes[MAX_RANK];
    int64_t steps[MAX_RANK];
    layout_order(rank, set, order);
    write_dims(rank, set, s->starts.at, starts);
    write_dims(rank, set, s->sizes.at, sizes);
    for (uint32_t i = 0; i < rank; i++) steps[i] = s->steps.at[order[i]];
    attr_slice a = {.starts = {rank, starts}, .sizes = {rank, sizes}, .steps = {rank, steps}};
    value_id x = first_operand(t, n, set);
    return build_node(&t->b, OP_slice, 1, &x, &a);
}

static value_id write_pad(writer *t, const node *n, uint32_t set) {
    const attr_pad *p = n->attrs;
    dim lo[MAX_RANK], hi[MAX_RANK];
    write_dims(p->lo.n, set, p->lo.at, lo);
    write_dims(p->hi.n, set, p->hi.at, hi);
    attr_pad a = {.lo = {p->lo.n, lo}, .hi = {p->hi.n, hi}, .mode = p->mode};
    value_id in[2] = {first_operand(t, n, set), n->n_in > 1 ? t->r->map[n->in[1]] : VALUE_NONE};
    return build_node(&t->b, OP_pad, n->n_in, in, &a);
}

static value_id write_concat(writer *t, const node *n, uint32_t set) {
    uint32_t place[MAX_RANK], rank = graph_type(t->l->g, n->out)->rank;
    value_id *in = ARENA_ARRAY(t->l->c->scratch, value_id, n->n_in);
    for (uint32_t i = 0; i < n->n_in; i++) in[i] = form_of(t, n->in[i], rank, set);
    places(rank, set, place);
    return build_node(&t->b, OP_concat, n->n_in, in, &(attr_axis){.axis = place[((const attr_axis *)n->attrs)->axis]});
}

static value_id write_gather(writer *t, const node *n, uint32_t set) {
    uint32_t place[MAX_RANK];
    places(graph_type(t->l->g, n->out)->rank, set, place);
    value_id in[2] = {first_operand(t, n, set), t->r->map[n->in[1]]};
    return build_node(&t->b, OP_gather, 2, in, &(attr_axis){.axis = place[((const attr_axis *)n->attrs)->axis]});
}

static value_id write_reduce(writer *t, const node *n, uint32_t set) {
    const attr_reduce *a = n->attrs;
    const tensor_type *x = graph_type(t->l->g, n->in[0]);
    uint32_t place[MAX_RANK], bits = 0, n_axes = 0;
    int64_t axes[MAX_RANK];
    places(x->rank, operand_set(t, n, set), place);
    for (uint32_t i = 0; i < a->axes.n; i++) bits |= 1u << place[a->axes.at[i]];
    for (uint32_t i = 0; i < x->rank; i++)
        if (bits >> i & 1) axes[n_axes++] = i;
    attr_reduce moved = {.kind = a->kind, .axes = {n_axes, axes}};
    value_id in = first_operand(t, n, set);
    return build_node(&t->b, OP_reduce, 1, &in, &moved);
}

/* The image that a window slides over, padded in memory where the reader needs runs that no border cuts, or where it
 * would else be transposed at every read; what remains to pad is left in pads. */
static value_id window_source(writer *t, const node *n, uint32_t set, int64_t *pads) {
    const attr_window *w = n->attrs;
    const tensor_type *x = graph_type(t->l->g, n->in[0]);
    dim_table *d = t->b.g->dims;
    uint32_t place[MAX_RANK], k = w->axes.n, channels = set & ((1u << x->rank) - 1);
    dim lo[MAX_RANK], hi[MAX_RANK], n_channels = dim_const(d, 1);
    node_id def = graph_value(t->l->g, n->in[0])->def;
    bool is_transposed = def == NODE_NONE || !t->l->is_last[def], has_pads = false, grows = false;
    value_id in[2] = {first_operand(t, n, set), n->n_in > 1 ? t->r->map[n->in[1]] : VALUE_NONE};
    places(x->rank, channels, place);
    for (uint32_t i = 0; i < x->rank; i++) {
        lo[i] = hi[i] = dim_const(d, 0);
        if (channels >> i & 1) n_channels = dim_mul(d, n_channels, x->shape[i]);
    }
    for (uint32_t j = 0; j < k; j++) {
        has_pads = has_pads || pads[j] || pads[k + j];
        grows = grows || w->sizes.at[j] > w->strides.at[j];
        if (pads[j] < 0 || pads[k + j] < 0) return in[0];
        lo[place[w->axes.at[j]]] = dim_const(d, pads[j]);
        hi[place[w->axes.at[j]]] = dim_const(d, pads[k + j]);
    }
    bool is_thin = has_pads && dim_lt(d, n_channels, dim_const(d, FEW_CHANNELS));
    if (!grows || !(is_transposed || is_thin) || layout_is_same(t->l->g, x, channels)) return in[0];
    memset(pads, 0, 2 * k * sizeof *pads);
    attr_pad a = {.lo = {x->rank, lo}, .hi = {x->rank, hi}};
    return build_node(&t->b, OP_pad, n->n_in, in, &a);
}

/* The taps stand before the channels, so that one tap is a run of channels. */
static value_id write_window(writer *t, const node *n, uint32_t set) {
    const attr_window *w = n->attrs;
    const tensor_type *x = graph_type(t->l->g, n->in[0]), *y = graph_type(t->l->g, n->out);
    uint32_t place[MAX_RANK], order[MAX_RANK], k = w->axes.n;
    int64_t axes[MAX_RANK], pads[2 * MAX_RANK], perm[MAX_RANK];
    bool is_still = true;
    memcpy(pads, w->pads.at, 2 * k * sizeof *pads);
    value_id in[2] = {window_source(t, n, set, pads), n->n_in > 1 ? t->r->map[n->in[1]] : VALUE_NONE};
    places(x->rank, set, place);
    for (uint32_t j = 0; j < k; j++) axes[j] = place[w->axes.at[j]];
    attr_window a = *w;
    a.axes = (int_list){k, axes};
    a.pads = (int_list){2 * k, pads};
    value_id view = build_node(&t->b, OP_window, n->n_in, in, &a);
    layout_order(y->rank, set, order);
    for (uint32_t i = 0; i < y->rank; i++) {
        perm[i] = order[i] < x->rank ? place[order[i]] : order[i];
        is_still = is_still && perm[i] == (int64_t)i;
    }
    return is_still ? view : build_transpose(&t->b, view, perm);
}

static void write_labels(const char *labels, uint32_t set, char *out) {
    uint32_t order[MAX_RANK], rank = (uint32_t)strlen(labels);
    layout_order(rank, set, order);
    for (uint32_t i = 0; i < rank; i++) out[i] = labels[order[i]];
    out[rank] = 0;
}

static value_id write_contract(writer *t, const node *n, uint32_t set) {
    const attr_contract *a = n->attrs;
    char labels[3][MAX_RANK + 1];
    value_id in[2];
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t channels = t->l->channels[n->in[i]];
        write_labels(i ? a->rhs : a->lhs, channels, labels[i]);
        in[i] = channels ? last_of(t, n->in[i]) : t->r->map[n->in[i]];
    }
    write_labels(a->out, set, labels[2]);
    return build_contract(&t->b, in[0], in[1], labels[0], labels[1], labels[2]);
}

static write_fn *const by_op[N_OPS] = {[OP_reshape] = write_reshape,
                                       [OP_transpose] = write_transpose,
                                       [OP_broadcast] = write_broadcast,
                                       [OP_slice] = write_slice,
                                       [OP_pad] = write_pad,
                                       [OP_concat] = write_concat,
                                       [OP_gather] = write_gather,
                                       [OP_reduce] = write_reduce,
                                       [OP_window] = write_window,
                                       [OP_contract] = write_contract};

static frit_status rewrite_node(graph_rewriter *r, const node *n, bool *out_done) {
    writer *t = r->data;
    t->r = r;
    if (n->region != 0 || !t->l->is_last[graph_value(t->l->g, n->out)->def]) return FRIT_OK;
    t->b = (build){.c = r->c, .g = r->to, .loc = n->loc};
    uint32_t set = t->l->channels[n->out];
    write_fn *fn = op_is(n->op, OPF_EW) ? write_elementwise : by_op[n->op];
    ASSERT(fn);
    value_id y = fn(t, n, set);
    t->last[n->out] = y;
    r->map[n->out] = write_back(&t->b, y, graph_type(t->l->g, n->out), set);
    *out_done = true;
    return t->b.status;
}

frit_status pass_layout(cx *c, const graph *g, graph **out) {
    layout l = {.c = c, .g = g};
    graph *apart = NULL;
    layout_find_channels(&l);
    if (!l.has_any) return graph_sweep(c, g, out);
    TRY(layout_split_heads(c, g, &apart));
    l.g = g = apart;
    layout_find_channels(&l);
    layout_choose(&l);
    writer t = {.l = &l, .last = ARENA_ARRAY(c->scratch, value_id, g->values.n + 1u)};
    for (uint32_t i = 0; i < g->values.n; i++) t.last[i] = VALUE_NONE;
    graph *written = NULL;
    TRY(graph_rewrite(c, g, rewrite_node, &t, &written));
    return graph_sweep(c, written, out);
}
