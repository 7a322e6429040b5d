/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Movement by data: scatters, and operators that are a gather at computed places. */
#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

static scatter_mode reduction_of(reader *r, const call *n) {
    static const char *const modes[] = {"none", "add", "mul", "min", "max", NULL};
    return (scatter_mode)attr_choice(r, n, "reduction", "none", modes);
}

void map_scatter(reader *r, call *n) {
    attr_scatter a = {.axis = attr_int(n, "axis", 0), .mode = reduction_of(r, n)};
    n->out[0] = make(r, n->row->op, 3, n->in, &a);
}

/* Elements of x where condition holds, along axis (or of x flattened): a gather at the places that hold. */
void map_compress(reader *r, call *n) {
    value_id x = n->in[0], places;
    int64_t axis = attr_int(n, "axis", 0);
    if (x == VALUE_NONE) return;
    if (!attr_find(n, "axis")) {
        dim count = graph_n_elements(r->g, x);
        x = make_reshape(r, x, 1, &count);
    }
    tensor t;
    if (known_tensor(r, n->in[1], &t)) {
        int64_t *at = ARENA_ARRAY(r->c->job, int64_t, tensor_count(&t) + 1);
        uint32_t k = 0;
        for (int64_t i = 0; i < tensor_count(&t); i++)
            if (dtype_load(t.dt, t.data, (size_t)i).i) at[k++] = i;
        places = make_ints(r, k, at);
    } else {
        value_id found = make1(r, OP_nonzero, n->in[1]);
        dim count = extent_of(r, found, 1);
        places = make_reshape(r, found, 1, &count);
    }
    n->out[0] = make_gather(r, axis, x, places);
}

/* Each sequence's first len elements reversed: a gather at len - 1 - i below len, at i beyond. */
void map_reverse_sequence(reader *r, call *n) {
    value_id x = n->in[0], len = n->in[1];
    int64_t time = attr_int(n, "time_axis", 0), batch = attr_int(n, "batch_axis", 1);
    uint32_t rank = rank_of(r, x);
    if (x == VALUE_NONE || !norm_axis(r, &time, rank) || !norm_axis(r, &batch, rank)) return;
    dim shape[MAX_RANK], one[MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) shape[i] = one[i] = dimi(r, 1);
    shape[batch] = extent_of(r, x, batch), one[time] = extent_of(r, x, time);
    value_id lens = make_reshape(r, make_cast(r, len, FRIT_DT_I64), rank, shape);
    value_id i = make_iota_nd(r, FRIT_DT_I64, rank, one, time);
    value_id mirrored = sub(r, sub(r, lens, make_like(r, lens, 1)), i);
    value_id index = make3(r, OP_select, make2(r, OP_lt, i, lens), mirrored, i);
    n->out[0] =
        make(r, OP_gather_elements, 2, (value_id[]){x, make_same_shape(r, index, x)}, &(attr_axis){.axis = time});
}

/* A block of the cache replaced at write_indices along axis; circular wraps around its end. */
void map_tensor_scatter(reader *r, call *n) {
    static const char *const modes[] = {"linear", "circular", NULL};
    value_id cache = n->in[0], block = n->in[1];
    int64_t axis = attr_int(n, "axis", -2);
    uint32_t rank = rank_of(r, cache);
    if (cache == VALUE_NONE || block == VALUE_NONE || !norm_axis(r, &axis, rank)) return;
    dim along[MAX_RANK], batch[MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) along[i] = batch[i] = dimi(r, 1);
    along[axis] = extent_of(r, block, axis), batch[0] = extent_of(r, cache, 0);
    value_id index = make_iota_nd(r, FRIT_DT_I64, rank, along, axis);
    if (has_in(n, 2)) index = add(r, index, make_reshape(r, make_cast(r, n->in[2], FRIT_DT_I64), rank, batch));
    if (attr_choice(r, n, "mode", "linear", modes)) {
        dim extent = extent_of(r, cache, axis);
        index = make2(r, OP_mod, index, make_reshape(r, make_from_dims(r, 1, &extent), 0, NULL));
    }
    value_id in[3] = {cache, make_same_shape(r, index, block), block};
    n->out[0] = make(r, OP_scatter_elements, 3, in, &(attr_scatter){.axis = axis});
}

/* ai.onnx.ml: the columns of x that y lists; a vector counts as one row. */
void map_array_feature_extractor(reader *r, call *n) {
    value_id x = n->in[0], y = n->in[1];
    if (x == VALUE_NONE || y == VALUE_NONE) return;
    dim count = graph_n_elements(r->g, y);
    if (rank_of(r, x) == 1) x = make_unsqueeze(r, x, 0);
    n->out[0] = make_gather(r, -1, x, make_reshape(r, y, 1, &count));
}
