/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which elements of which inputs index which extents: token ids and the like, which a caller can get wrong and the
 * kernels do not report, as they clamp.
 *
 *   %i = cast %ids {to = i64}                    ids: i32[B, S]
 *   %y = gather %table, %i {axis = 0}            table: f32[30522, 768]       =>  every element of ids indexes 30522
 *
 * The walk goes from the index operand back to an input through operators that keep the numbers: casts to wider types,
 * reshapes, transposes, broadcasts and slices. A slice leaves a box of the input. What the walk cannot follow exactly is
 * not listed: --checked watches it while it runs. Regions are left out, as they may not run. */
#include "codegen/link/link.h"

/* The elements of a value that are used: all of them, or a box. */
typedef struct part {
    const graph *g;
    value_id v;
    bool is_whole;
    index_box box[MAX_RANK];
} part;

static index_box whole_axis(const graph *g, value_id v, uint32_t axis) {
    return (index_box){dim_const(g->dims, 0), graph_type(g, v)->shape[axis], 1};
}

static void part_as_box(part *p) {
    for (uint32_t i = 0; p->is_whole && i < graph_type(p->g, p->v)->rank; i++) p->box[i] = whole_axis(p->g, p->v, i);
    p->is_whole = false;
}

/* Every number of one type is one of the other. */
static bool keeps_numbers(dtype from, dtype to) {
    bool is_same_kind = dtype_kind_of(from) == dtype_kind_of(to) && dtype_bits(from) <= dtype_bits(to);
    bool gains_sign =
        dtype_kind_of(from) == DTYPE_UINT && dtype_kind_of(to) == DTYPE_INT && dtype_bits(from) < dtype_bits(to);
    return dtype_is_integer(from) && dtype_is_integer(to) && (is_same_kind || gains_sign);
}

static bool is_one(const graph *g, dim d) {
    int64_t n;
    return dim_is_const(g->dims, d, &n) && n == 1;
}

/* A box goes through a reshape that only adds or removes axes of extent 1. */
static bool back_through_reshape(part *p, value_id from) {
    if (p->is_whole) return true;
    const tensor_type *to = graph_type(p->g, p->v), *x = graph_type(p->g, from);
    index_box box[MAX_RANK];
    uint32_t i = 0, k = 0;
    for (;; i++, k++) {
        while (k < x->rank && is_one(p->g, x->shape[k])) box[k] = whole_axis(p->g, from, k), k++;
        while (i < to->rank && is_one(p->g, to->shape[i])) i++;
        if (i == to->rank || k == x->rank) break;
        if (!dim_equal(p->g->dims, to->shape[i], x->shape[k])) return false;
        box[k] = p->box[i];
    }
    for (uint32_t axis = 0; axis < x->rank; axis++) p->box[axis] = box[axis];
    return i == to->rank && k == x->rank;
}

static void back_through_transpose(part *p, const attr_perm *a) {
    index_box box[MAX_RANK];
    part_as_box(p);
    for (uint32_t i = 0; i < a->perm.n; i++) box[a->perm.at[i]] = p->box[i];
    for (uint32_t i = 0; i < a->perm.n; i++) p->box[i] = box[i];
}

static void back_through_slice(part *p, const attr_slice *a) {
    dim_table *t = p->g->dims;
    part_as_box(p);
    for (uint32_t i = 0; i < a->starts.n; i++) {
        index_box *b = &p->box[i];
        b->start = dim_add(t, a->starts.at[i], dim_mul(t, b->start, dim_const(t, a->steps.at[i])));
        b->step *= a->steps.at[i];
    }
}

/* From a value to the operand that holds the same numbers. */
static bool step_back(part *p, const node *n) {
    value_id from = n->in[0];
    bool is_same = false;
    if (n->op == OP_cast) is_same = keeps_numbers(graph_type(p->g, from)->dt, graph_type(p->g, p->v)->dt);
    if (n->op == OP_reshape) is_same = back_through_reshape(p, from);
    if (n->op == OP_broadcast) is_same = p->is_whole;
    if (n->op == OP_transpose) back_through_transpose(p, n->attrs), is_same = true;
    if (n->op == OP_slice) back_through_slice(p, n->attrs), is_same = true;
    p->v = from;
    return is_same;
}

static void add_use(arena *a, part p, dim extent, const char *loc, index_uses *out) {
    const node *n;
    while ((n = graph_def(p.g, p.v)) != NULL)
        if (!step_back(&p, n)) return;
    const value *input = graph_value(p.g, p.v);
    if (input->region != 0 || !dtype_is_integer(input->type.dt) || dtype_bits(input->type.dt) < 8) return;
    index_use use = {.input = input->index, .extent = extent, .loc = loc, .rank = input->type.rank};
    if (!p.is_whole) use.box = arena_copy(a, p.box, input->type.rank * sizeof *p.box);
    vec_push(a, *out, use);
}

/* Tuples along the last axis of the indices: number j indexes axis first + j of x. */
static void add_tuples(arena *a, const graph *g, const node *n, uint32_t first, index_uses *out) {
    const tensor_type *x = graph_type(g, n->in[0]), *indices = graph_type(g, n->in[1]);
    uint32_t last = indices->rank - 1;
    int64_t depth = 0;
    if (!dim_is_const(g->dims, indices->shape[last], &depth)) return;
    for (int64_t j = 0; j < depth; j++) {
        part p = {.g = g, .v = n->in[1], .is_whole = true};
        part_as_box(&p);
        p.box[last] = (index_box){dim_const(g->dims, j), dim_const(g->dims, 1), 1};
        add_use(a, p, x->shape[first + (uint32_t)j], g->locs.at[n->loc], out);
    }
}

static void add_node(arena *a, const graph *g, const node *n, index_uses *out) {
    int64_t axis = -1;
    if (n->op == OP_gather || n->op == OP_gather_elements) axis = ((const attr_axis *)n->attrs)->axis;
    if (n->op == OP_scatter_elements) axis = ((const attr_scatter *)n->attrs)->axis;
    if (n->op == OP_gather_nd) add_tuples(a, g, n, (uint32_t)((const attr_gather_nd *)n->attrs)->batch_dims, out);
    if (n->op == OP_scatter_nd) add_tuples(a, g, n, 0, out);
    if (axis < 0) return;
    part p = {.g = g, .v = n->in[1], .is_whole = true};
    add_use(a, p, graph_type(g, n->in[0])->shape[axis], g->locs.at[n->loc], out);
}

index_uses index_uses_of(arena *a, const graph *g) {
    index_uses out = {0};
    const region *body = &g->regions.at[0];
    for (uint32_t i = 0; i < body->nodes.n; i++) add_node(a, g, graph_node(g, body->nodes.at[i]), &out);
    return out;
}
