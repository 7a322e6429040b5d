/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shorthands over graph_add for readers and decompositions; the ones that would change nothing return their operand. */
#include <string.h>

#include "ir/graph/graph.h"
#include "ir/op/attrs.h"

frit_status graph_unary(cx *c, graph *g, op_code op, loc_id loc, value_id x, value_id *out) {
    return graph_add(c, g, op, loc, 1, &x, NULL, out);
}

frit_status graph_binary(cx *c, graph *g, op_code op, loc_id loc, value_id x, value_id y, value_id *out) {
    return graph_add(c, g, op, loc, 2, (value_id[]){x, y}, NULL, out);
}

frit_status graph_const_bytes(cx *c, graph *g, const const_data *data, value_id *out) {
    attr_const a = {.data = *data};
    return graph_add(c, g, OP_const, 0, 0, NULL, &a, out);
}

frit_status graph_splat(cx *c, graph *g, dtype dt, double x, value_id *out) {
    return graph_const_bytes(c, g, &(const_data){.kind = CONST_SPLAT, .dt = dt, .splat = dtype_from_f64(dt, x)}, out);
}

frit_status graph_const_i64(cx *c, graph *g, uint32_t n, const int64_t *v, value_id *out) {
    const_data d = {.kind = CONST_DENSE, .dt = FRIT_DT_I64};
    int64_t extent = n;
    d.dims = int_list_of(g->a, 1, &extent);
    d.bytes = arena_copy(g->a, v, n * sizeof *v);
    return graph_const_bytes(c, g, &d, out);
}

frit_status graph_cast(cx *c, graph *g, loc_id loc, value_id x, dtype to, value_id *out) {
    *out = x;
    if (graph_type(g, x)->dt == to) return FRIT_OK;
    attr_cast a = {.to = to, .saturate = true};
    return graph_add(c, g, OP_cast, loc, 1, &x, &a, out);
}

static bool shape_is(const graph *g, value_id x, uint32_t rank, const dim *shape) {
    const tensor_type *t = graph_type(g, x);
    return t->rank == rank && (rank == 0 || !memcmp(t->shape, shape, rank * sizeof *shape));
}

frit_status graph_reshape(cx *c, graph *g, loc_id loc, value_id x, uint32_t rank, const dim *shape, value_id *out) {
    *out = x;
    if (shape_is(g, x, rank, shape)) return FRIT_OK;
    attr_dims a = {.dims = {rank, shape}};
    return graph_add(c, g, OP_reshape, loc, 1, &x, &a, out);
}

frit_status graph_broadcast(cx *c, graph *g, loc_id loc, value_id x, uint32_t rank, const dim *shape, value_id *out) {
    *out = x;
    if (shape_is(g, x, rank, shape)) return FRIT_OK;
    attr_dims a = {.dims = {rank, shape}};
    return graph_add(c, g, OP_broadcast, loc, 1, &x, &a, out);
}

frit_status graph_transpose(cx *c, graph *g, loc_id loc, value_id x, const int64_t *perm, value_id *out) {
    uint32_t rank = graph_type(g, x)->rank;
    bool is_identity = true;
    for (uint32_t i = 0; i < rank; i++) is_identity = is_identity && perm[i] == (int64_t)i;
    *out = x;
    if (is_identity) return FRIT_OK;
    attr_perm a = {.perm = {rank, perm}};
    return graph_add(c, g, OP_transpose, loc, 1, &x, &a, out);
}

frit_status graph_reduce(cx *c, graph *g, loc_id loc, reduce_kind kind, value_id x, uint32_t n_axes,
                         const int64_t *axes, value_id *out) {
    attr_reduce a = {.kind = kind, .axes = {n_axes, axes}};
    return graph_add(c, g, OP_reduce, loc, 1, &x, &a, out);
}
