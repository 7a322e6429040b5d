/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attention and rotary embedding, in the forms of opset 23 and later. */
#include <math.h>

#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

value_id split_heads(reader *r, value_id x, int64_t heads) {
    static const int64_t perm[] = {0, 2, 1, 3};
    if (x == VALUE_NONE || rank_of(r, x) == 4) return x;
    if (rank_of(r, x) != 3 || heads < 1) {
        fail_node(r, FRIT_SHAPE, "needs four axes, or three and the number of heads");
        return VALUE_NONE;
    }
    dim h = dimi(r, heads);
    dim shape[4] = {extent_of(r, x, 0), extent_of(r, x, 1), h, dim_floordiv(r->dims, extent_of(r, x, 2), h)};
    return make_transpose(r, make_reshape(r, x, 4, shape), perm);
}

value_id join_heads(reader *r, value_id x) {
    static const int64_t perm[] = {0, 2, 1, 3};
    if (x == VALUE_NONE) return x;
    dim shape[3] = {extent_of(r, x, 0), extent_of(r, x, 2), dim_mul(r->dims, extent_of(r, x, 1), extent_of(r, x, 3))};
    return make_reshape(r, make_transpose(r, x, perm), 3, shape);
}

value_id count_along(reader *r, dim extent, int64_t axis) {
    dim shape[4] = {dimi(r, 1), dimi(r, 1), dimi(r, 1), dimi(r, 1)};
    shape[axis] = extent;
    return make_iota_nd(r, FRIT_DT_I64, 4, shape, axis);
}

value_id scalar_of_dim(reader *r, dim d) { return make_reshape(r, make_from_dims(r, 1, &d), 0, NULL); }

value_id join_masks(reader *r, value_id a, value_id b) {
    if (a == VALUE_NONE || b == VALUE_NONE) return a == VALUE_NONE ? b : a;
    if (dtype_of(r, a) == FRIT_DT_BOOL) return make2(r, OP_and, a, b);
    return make3(r, OP_select, b, a, make_like(r, a, -INFINITY));
}

/* The mask given, as long as the keys are, joined with causality and with the lengths of the keys. */
static void read_mask(reader *r, call *n, attention *a) {
    dim keys = extent_of(r, a->k, 2), queries = extent_of(r, a->q, 2);
    value_id mask = n->in[3];
    if (mask != VALUE_NONE) {
        uint32_t rank = rank_of(r, mask);
        dim lo[MAX_RANK], hi[MAX_RANK], missing = dim_sub(r->dims, keys, extent_of(r, mask, -1));
        for (uint32_t i = 0; i < rank; i++) lo[i] = hi[i] = dimi(r, 0);
        bool is_bool = dtype_of(r, mask) == FRIT_DT_BOOL, is_one = extent_of(r, mask, -1) == dimi(r, 1);
        if (rank > 0 && missing != dimi(r, 0) && !is_one) {
            hi[rank - 1] = missing;
            value_id in[2] = {mask, make_splat(r, dtype_of(r, mask), is_bool ? 0 : -INFINITY)};
            mask = make(r, OP_pad, 2, in, &(attr_pad){.lo = {rank, lo}, .hi = {rank, hi}});
        }
        if (!is_bool) mask = make_cast(r, mask, dtype_of(r, a->q));
    }
    value_id key = count_along(r, keys, 3);
    if (a->causal && !(mask == VALUE_NONE && !has_in(n, 6) && keys == queries)) {
        value_id last = add(r, count_along(r, queries, 2), scalar_of_dim(r, a->past));
        mask = join_masks(r, mask, make2(r, OP_le, key, last));
        a->causal = false;
    }
    if (has_in(n, 6)) {
        dim shape[4] = {extent_of(r, n->in[6], 0), dimi(r, 1), dimi(r, 1), dimi(r, 1)};
        value_id lengths = make_reshape(r, make_cast(r, n->in[6], FRIT_DT_I64), 4, shape);
        mask = join_masks(r, mask, make2(r, OP_lt, key, lengths));
    }
    a->mask = mask;
}

value_id repeat_heads(reader *r, value_id x, value_id q) {
    dim heads = extent_of(r, q, 1), groups = extent_of(r, x, 1);
    if (heads == groups) return x;
    dim each = dim_floordiv(r->dims, heads, groups);
    dim wide[5] = {extent_of(r, x, 0), groups, each, extent_of(r, x, 2), extent_of(r, x, 3)};
    dim joined[4] = {wide[0], heads, wide[3], wide[4]};
    return make_reshape(r, make_broadcast(r, make_unsqueeze(r, x, 2), 5, wide), 4, joined);
}

/* Softmax of the last axis with one more term in the sum: the exponential of sink, one a head or one for all. */
static value_id softmax_with_sink(reader *r, value_id s, value_id sink) {
    dim shape[4] = {dimi(r, 1), extent_of(r, sink, 0), dimi(r, 1), dimi(r, 1)}, keys = extent_of(r, s, 3);
    value_id column = make_reshape(r, make_cast(r, sink, dtype_of(r, s)), 4, shape);
    for (uint32_t i = 0; i < 3; i++) shape[i] = extent_of(r, s, i);
    value_id both = make_concat(r, 3, 2, (value_id[]){s, make_broadcast(r, column, 4, shape)});
    return make_slice(r, make(r, OP_softmax, 1, &both, &(attr_axis){.axis = -1}), 3, dimi(r, 0), keys, 1);
}

/* Written out, for whoever wants the scores: stage 0 of them scaled, 1 capped, 2 masked, 3 after softmax. */
static value_id attend_in_parts(reader *r, const attention *a, int64_t stage, value_id *out_scores) {
    value_id s = make2(r, OP_matmul, a->q, make_swap(r, repeat_heads(r, a->k, a->q), 2, 3));
    if (a->scale != 0)
        s = mul(r, s, make_like(r, s, a->scale));
    else
        s = quotient(r, s, make1(r, OP_sqrt, make_cast(r, scalar_of_dim(r, extent_of(r, a->q, 3)), dtype_of(r, s))));
    *out_scores = s;
    if (a->softcap > 0) {
        value_id cap = make_like(r, s, a->softcap);
        s = mul(r, make1(r, OP_tanh, quotient(r, s, cap)), cap);
    }
    if (stage == 1) *out_scores = s;
    value_id mask = a->mask;
    if (a->causal)
        mask = make2(r, OP_le, count_along(r, extent_of(r, a->k, 2), 3), count_along(r, extent_of(r, a->q, 2), 2));
    if (mask != VALUE_NONE && dtype_of(r, mask) == FRIT_DT_BOOL)
        s = make3(r, OP_select, mask, s, make_like(r, s, -INFINITY));
    else if (mask != VALUE_NONE)
        s = add(r, s, mask);
    if (stage == 2) *out_scores = s;
    s = a->sink == VALUE_NONE ? make(r, OP_softmax, 1, &s, &(attr_axis){.axis = -1}) : softmax_with_sink(r, s, a->sink);
    if (stage == 3) *out_scores = s;
    return make2(r, OP_matmul, s, repeat_heads(r, a->v, a->q));
}

value_id make_attention(reader *r, const attention *a, int64_t stage, value_id *out_scores) {
    value_id in[4] = {a->q, a->k, a->v, a->mask}, unused;
    if (out_scores || a->sink != VALUE_NONE || a->scale == 0)
        return attend_in_parts(r, a, stage, out_scores ? out_scores : &unused);
    attr_attend t = {.scale = a->scale, .causal = a->causal, .softcap = a->softcap};
    return make(r, OP_attend, a->mask == VALUE_NONE ? 3 : 4, in, &t);
}

double attention_scale(reader *r, const call *n, value_id q) {
    int64_t head;
    double given = attr_float(n, "scale", 0);
    if (given != 0 || failed(r) || !dim_is_const(r->dims, extent_of(r, q, -1), &head) || head < 1) return given;
    return 1 / sqrt((double)head);
}

void map_attention(reader *r, call *n) {
    value_id x = n->in[0];
    if (x == VALUE_NONE) return;
    attention a = {.sink = VALUE_NONE, .past = dimi(r, 0), .causal = attr_int(n, "is_causal", 0) != 0};
    a.q = split_heads(r, x, attr_int(n, "q_num_heads", 0));
    a.k = split_heads(r, n->in[1], attr_int(n, "kv_num_heads", 0));
    a.v = split_heads(r, n->in[2], attr_int(n, "kv_num_heads", 0));
    if (has_in(n, 4)) a.past = extent_of(r, n->in[4], 2), a.k = make_concat(r, 2, 2, (value_id[]){n->in[4], a.k});
    if (has_in(n, 5)) a.v = make_concat(r, 2, 2, (value_id[]){n->in[5], a.v});
    a.scale = attention_scale(r, n, a.q), a.softcap = attr_float(n, "softcap", 0);
    if (failed(r)) return;
    read_mask(r, n, &a);
    n->out[1] = a.k, n->out[2] = a.v;
    bool wants_scores = n->n_out > 3 && *n->node->outputs.at[3];
    value_id y = make_attention(r, &a, attr_int(n, "qk_matmul_output_mode", 0), wants_scores ? &n->out[3] : NULL);
    n->out[0] = rank_of(r, x) == 3 ? join_heads(r, y) : y;
}

void map_rotary_embedding(reader *r, call *n) {
    value_id x = n->in[0], tables[2] = {n->in[1], n->in[2]};
    attr_rope a = {.interleaved = attr_int(n, "interleaved", 0) != 0,
                   .rotary_dim = attr_int(n, "rotary_embedding_dim", 0)};
    value_id heads = split_heads(r, x, attr_int(n, "num_heads", 0));
    for (uint32_t i = 0; i < 2; i++) {
        if (has_in(n, 3)) tables[i] = make_gather(r, 0, tables[i], n->in[3]);
        tables[i] = make_unsqueeze(r, tables[i], 1); /* one for all heads */
    }
    value_id y = make(r, OP_rope, 3, (value_id[]){heads, tables[0], tables[1]}, &a);
    n->out[0] = rank_of(r, x) == 3 ? join_heads(r, y) : y;
}
