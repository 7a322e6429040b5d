/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attention of the domain com.microsoft: with its projection (Attention, QAttention), without (MultiHeadAttention), and
 * over a cache with fewer heads of keys (GroupQueryAttention); rotary embedding with its own order of operands. All end
 * in make_attention. */
#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

/* p as four axes, of which `axis` has p's only one. */
static value_id on_axis(reader *r, value_id p, int64_t axis) {
    dim shape[4] = {dimi(r, 1), dimi(r, 1), dimi(r, 1), dimi(r, 1)};
    shape[axis] = extent_of(r, p, 0);
    return make_reshape(r, p, 4, shape);
}

/* --- masks --- */

/* Keys that count, bool, from where each row ends ([B]), or from where it ends and, after those, where it begins
 * ([2 * B]). */
static value_id keys_between(reader *r, value_id ends, dim batch, dim keys) {
    value_id key = count_along(r, keys, 3);
    ends = make_cast(r, ends, FRIT_DT_I64);
    if (extent_of(r, ends, 0) == batch) return make2(r, OP_lt, key, on_axis(r, ends, 0));
    if (extent_of(r, ends, 0) != dim_mul(r->dims, batch, dimi(r, 2))) {
        fail_node(r, FRIT_UNSUPPORTED, "a mask of this many lengths");
        return VALUE_NONE;
    }
    value_id starts = make_slice(r, ends, 0, batch, batch, 1);
    ends = make_slice(r, ends, 0, dimi(r, 0), batch, 1);
    return make2(r, OP_and, make2(r, OP_lt, key, on_axis(r, ends, 0)), make2(r, OP_ge, key, on_axis(r, starts, 0)));
}

/* The padding mask in any of its forms as numbers added to the scores: 0 or mask_filter_value. */
static value_id padding_mask(reader *r, const call *n, value_id mask, const attention *a) {
    uint32_t rank = rank_of(r, mask);
    dim batch = extent_of(r, a->q, 0), queries = extent_of(r, a->q, 2), keys = extent_of(r, a->k, 2);
    value_id counts;
    if (rank == 1)
        counts = keys_between(r, mask, batch, keys);
    else {
        counts = make2(r, OP_gt, mask, make_like(r, mask, 0));
        while (counts != VALUE_NONE && rank_of(r, counts) < 4) counts = make_unsqueeze(r, counts, 1);
        if (rank == 4) {
            counts = make_slice(r, counts, 2, a->past, queries, 1);
            counts = make_slice(r, counts, 3, dimi(r, 0), keys, 1);
        }
    }
    dtype dt = dtype_of(r, a->q);
    double filter = attr_float(n, "mask_filter_value", -10000.0);
    return make3(r, OP_select, counts, make_splat(r, dt, 0), make_splat(r, dt, filter));
}

/* Adds causality: a flag where nothing else masks and both sequences are one, a mask elsewhere. */
static void be_causal(reader *r, attention *a) {
    dim keys = extent_of(r, a->k, 2), queries = extent_of(r, a->q, 2);
    a->causal = a->mask == VALUE_NONE && keys == queries;
    if (a->causal) return;
    value_id last = add(r, count_along(r, queries, 2), scalar_of_dim(r, a->past));
    a->mask = join_masks(r, a->mask, make2(r, OP_le, count_along(r, keys, 3), last));
}

/* The parts of a mask that both attentions share: padding, then numbers to add, then causality. */
static void read_masks(reader *r, const call *n, attention *a, value_id padding, value_id bias) {
    if (padding != VALUE_NONE) a->mask = padding_mask(r, n, padding, a);
    if (bias != VALUE_NONE) a->mask = a->mask == VALUE_NONE ? bias : add(r, a->mask, bias);
    if (attr_int(n, "unidirectional", 0)) be_causal(r, a);
}

/* --- Attention --- */

/* Part `which` of two, q k v or keys and values, stacked along axis. */
static value_id part_of(reader *r, value_id x, int64_t axis, int64_t which) {
    return make_squeeze(r, make_slice(r, x, axis, dimi(r, which), dimi(r, 1), 1), axis);
}

/* Columns of the projection that are q, k and v. */
static bool hidden_sizes(reader *r, const call *n, value_id projected, dim out[3]) {
    int_list sizes;
    if (attr_ints(n, "qkv_hidden_sizes", &sizes) && sizes.n == 3) {
        for (uint32_t i = 0; i < 3; i++) out[i] = dimi(r, sizes.at[i]);
        return true;
    }
    if (failed(r)) return false;
    for (uint32_t i = 0; i < 3; i++) out[i] = dim_floordiv(r->dims, extent_of(r, projected, -1), dimi(r, 3));
    return true;
}

/* Attention over the projection [B, S, q + k + v], with a past of [2, B, H, P, D]. */
static void attend_projected(reader *r, call *n, value_id projected, const value_id more[3]) {
    value_id mask = more[0], past = more[1], bias = more[2];
    int64_t heads = attr_int(n, "num_heads", 0);
    dim sizes[3], start = dimi(r, 0);
    value_id part[3];
    if (attr_int(n, "do_rotary", 0) || attr_int(n, "past_present_share_buffer", 0))
        fail_node(r, FRIT_UNSUPPORTED, "rotary embedding inside, or a cache shared with its past");
    if (projected == VALUE_NONE || !hidden_sizes(r, n, projected, sizes)) return;
    for (uint32_t i = 0; i < 3; i++) {
        part[i] = split_heads(r, make_slice(r, projected, 2, start, sizes[i], 1), heads);
        start = dim_add(r->dims, start, sizes[i]);
    }
    attention a = {
        .q = part[0], .k = part[1], .v = part[2], .mask = VALUE_NONE, .sink = VALUE_NONE, .past = dimi(r, 0)};
    if (past != VALUE_NONE) {
        a.past = extent_of(r, past, 3);
        a.k = make_concat(r, 2, 2, (value_id[]){part_of(r, past, 0, 0), a.k});
        a.v = make_concat(r, 2, 2, (value_id[]){part_of(r, past, 0, 1), a.v});
    }
    a.scale = attention_scale(r, n, a.q);
    read_masks(r, n, &a, mask, bias);
    n->out[0] = join_heads(r, make_attention(r, &a, 0, NULL));
    if (n->n_out > 1)
        n->out[1] = make_concat(r, 0, 2, (value_id[]){make_unsqueeze(r, a.k, 0), make_unsqueeze(r, a.v, 0)});
}

void map_contrib_attention(reader *r, call *n) {
    value_id y = make2(r, OP_matmul, n->in[0], n->in[1]);
    if (has_in(n, 2)) y = add(r, y, n->in[2]);
    if (has_in(n, 6)) fail_node(r, FRIT_UNSUPPORTED, "a cache shared with its past");
    attend_projected(r, n, y, (value_id[]){n->in[3], n->in[4], n->in[5]});
}

/* The projection in integers. */
void map_qattention(reader *r, call *n) {
    value_id product = make2(r, OP_matmul, centred(r, n->in[0], n->in[6], true), centred(r, n->in[1], n->in[7], false));
    value_id scale = mul(r, make_reshape(r, n->in[3], 0, NULL), n->in[4]);
    value_id y = add(r, mul(r, make_cast(r, product, dtype_of(r, n->in[2])), scale), n->in[2]);
    attend_projected(r, n, y, (value_id[]){n->in[5], n->in[8], VALUE_NONE});
}

/* --- MultiHeadAttention --- */

/* Operand i with its part of the bias, [B, H, S, D]; four axes are a cache that needs neither. */
static value_id with_bias(reader *r, call *n, uint32_t i, dim *start) {
    value_id x = n->in[i], bias = n->in[3];
    if (bias != VALUE_NONE && rank_of(r, x) == 3) {
        dim size = extent_of(r, x, 2);
        x = add(r, x, make_slice(r, bias, 0, *start, size, 1));
        *start = dim_add(r->dims, *start, size);
    }
    return split_heads(r, x, attr_int(n, "num_heads", 0));
}

/* Part `which` of [B, S, H, parts, D] as [B, H, S, D]. */
static value_id unpacked(reader *r, value_id x, int64_t which) { return make_swap(r, part_of(r, x, 3, which), 1, 2); }

void map_multi_head_attention(reader *r, call *n) {
    attention a = {.mask = VALUE_NONE, .sink = VALUE_NONE, .past = dimi(r, 0)};
    dim start = dimi(r, 0);
    bool packs_all = rank_of(r, n->in[0]) == 5, packs_keys = !packs_all && rank_of(r, n->in[1]) == 5;
    if (has_in(n, 8) || has_in(n, 9)) fail_node(r, FRIT_UNSUPPORTED, "a cache shared with its past");
    if ((packs_all || packs_keys) && has_in(n, 3)) fail_node(r, FRIT_UNSUPPORTED, "packed operands with a bias");
    if (n->in[0] == VALUE_NONE || failed(r)) return;
    a.q = packs_all ? unpacked(r, n->in[0], 0) : with_bias(r, n, 0, &start);
    a.k = packs_all ? unpacked(r, n->in[0], 1) : packs_keys ? unpacked(r, n->in[1], 0) : with_bias(r, n, 1, &start);
    a.v = packs_all ? unpacked(r, n->in[0], 2) : packs_keys ? unpacked(r, n->in[1], 1) : with_bias(r, n, 2, &start);
    if (has_in(n, 6) && has_in(n, 7)) {
        a.past = extent_of(r, n->in[6], 2);
        a.k = make_concat(r, 2, 2, (value_id[]){n->in[6], a.k});
        a.v = make_concat(r, 2, 2, (value_id[]){n->in[7], a.v});
    }
    a.scale = attention_scale(r, n, a.q);
    read_masks(r, n, &a, n->in[4], n->in[5]);
    n->out[0] = join_heads(r, make_attention(r, &a, 0, NULL));
    n->out[1] = a.k, n->out[2] = a.v;
}

/* --- rotary embedding --- */

/* x [B, H, S, D] turned by the rows of the tables [max, D / 2] that places [B or 1, S] name. */
static value_id rotated(reader *r, value_id x, value_id places, const value_id tables[2], bool interleaved) {
    int64_t half;
    value_id in[3] = {x};
    if (failed(r) || tables[0] == VALUE_NONE) return VALUE_NONE;
    if (!dim_is_const(r->dims, extent_of(r, tables[0], 1), &half))
        fail_node(r, FRIT_UNSUPPORTED, "tables of unknown width");
    for (uint32_t i = 0; i < 2; i++) in[1 + i] = make_unsqueeze(r, make_gather(r, 0, tables[i], places), 1);
    bool is_part = extent_of(r, x, 3) != dim_mul(r->dims, extent_of(r, tables[0], 1), dimi(r, 2));
    return make(r, OP_rope, 3, in, &(attr_rope){.interleaved = interleaved, .rotary_dim = is_part ? 2 * half : 0});
}

void map_contrib_rotary_embedding(reader *r, call *n) {
    value_id x = n->in[0], places = make_cast(r, n->in[1], FRIT_DT_I64), tables[2] = {n->in[2], n->in[3]};
    int64_t heads = attr_int(n, "num_heads", 0), width, half;
    if (attr_int(n, "is_packed_batching", 0) || attr_float(n, "scale", 1) != 1)
        fail_node(r, FRIT_UNSUPPORTED, "packed batches, or a scale");
    if (failed(r) || x == VALUE_NONE) return;
    if (rank_of(r, x) == 3 && heads == 0) {
        bool is_known = dim_is_const(r->dims, extent_of(r, x, 2), &width) &&
                        dim_is_const(r->dims, extent_of(r, tables[0], 1), &half) && half > 0;
        if (!is_known) fail_node(r, FRIT_UNSUPPORTED, "heads of unknown size");
        heads = is_known ? width / (2 * half) : 1;
    }
    value_id split = split_heads(r, x, heads);
    if (rank_of(r, places) == 1) {
        value_id along = make_unsqueeze(r, make_iota(r, FRIT_DT_I64, extent_of(r, split, 2)), 0);
        places = add(r, along, make_reshape(r, places, 0, NULL));
    }
    value_id y = rotated(r, split, places, tables, attr_int(n, "interleaved", 0) != 0);
    n->out[0] = rank_of(r, x) == 3 ? join_heads(r, y) : y;
}

/* --- GroupQueryAttention --- */

typedef struct group_query {
    attention a;
    value_id past[2]; /* keys and values cached before; VALUE_NONE */
    value_id len;     /* of the past of each row, i64 [B, 1, 1, 1] */
    dim total;        /* longest sequence of the batch, new tokens included */
    bool is_exact;    /* the past of every row is total less the new tokens */
} group_query;

/* Operands q, k and v, [B, H, S, D], out of one packed value where key is left out. */
static void read_queries(reader *r, call *n, group_query *g) {
    int64_t heads = attr_int(n, "num_heads", 0), groups = attr_int(n, "kv_num_heads", 0);
    value_id x = n->in[0], k = n->in[1], v = n->in[2];
    if (heads < 1 || groups < 1) fail_node(r, FRIT_FORMAT, "needs num_heads and kv_num_heads");
    if (failed(r) || x == VALUE_NONE) return;
    if (k == VALUE_NONE) {
        dim head = dim_floordiv(r->dims, extent_of(r, x, 2), dimi(r, heads + 2 * groups));
        dim wide = dim_mul(r->dims, head, dimi(r, heads)), narrow = dim_mul(r->dims, head, dimi(r, groups));
        k = make_slice(r, x, 2, wide, narrow, 1);
        v = make_slice(r, x, 2, dim_add(r->dims, wide, narrow), narrow, 1);
        x = make_slice(r, x, 2, dimi(r, 0), wide, 1);
    }
    g->a.q = split_heads(r, x, heads), g->a.k = split_heads(r, k, groups), g->a.v = split_heads(r, v, groups);
    for (uint32_t i = 0; i < 2; i++) {
        value_id *to = i ? &g->a.k : &g->a.q, weight = n->in[14 + i];
        double eps = attr_float(n, i ? "k_norm_epsilon" : "q_norm_epsilon", attr_float(n, "qk_norm_epsilon", 1e-6));
        if (weight != VALUE_NONE)
            *to = make(r, OP_rms_norm, 2, (value_id[]){*to, weight}, &(attr_norm){.axis = -1, .eps = eps});
    }
}

/* How long each row's past is: seqlens_k + 1 less the new tokens; a first prompt padded on the right has none. */
static bool read_lengths(reader *r, call *n, group_query *g) {
    dim_list total;
    if (!want_dims(r, n, 6, &total)) return false;
    if (total.n != 1) fail_node(r, FRIT_FORMAT, "total_sequence_length is one number");
    if (failed(r)) return false;
    g->total = total.at[0];
    dim fresh = extent_of(r, g->a.k, 2);
    value_id old = add(r, make_cast(r, n->in[5], FRIT_DT_I64), scalar_of_dim(r, dim_sub(r->dims, dimi(r, 1), fresh)));
    g->len = on_axis(r, make2(r, OP_max, old, make_like(r, old, 0)), 0);
    g->is_exact = extent_of(r, g->a.q, 0) == dimi(r, 1) && dim_le(r->dims, fresh, g->total);
    if (g->is_exact) {
        dim past = dim_sub(r->dims, g->total, fresh);
        g->len = make_reshape(r, scalar_of_dim(r, past), 4, (dim[]){dimi(r, 1), dimi(r, 1), dimi(r, 1), dimi(r, 1)});
    }
    return true;
}

/* The cache of each row with its new tokens behind its own past; behind those it stays as it was. */
static value_id appended(reader *r, const group_query *g, value_id past, value_id fresh) {
    if (past == VALUE_NONE || fresh == VALUE_NONE) return fresh;
    dim_table *t = r->dims;
    dim have = extent_of(r, past, 2), n_new = extent_of(r, fresh, 2), room = dim_max(t, have, g->total);
    if (g->is_exact && dim_add(t, have, n_new) == g->total) return make_concat(r, 2, 2, (value_id[]){past, fresh});
    value_id from = sub(r, count_along(r, room, 2), g->len), zero = make_like(r, from, 0);
    value_id within = make2(r, OP_min, make2(r, OP_max, from, zero), scalar_of_dim(r, dim_sub(t, n_new, dimi(r, 1))));
    dim shape[4] = {extent_of(r, fresh, 0), extent_of(r, fresh, 1), room, extent_of(r, fresh, 3)}, lo[4], hi[4];
    value_id index = make_broadcast(r, within, 4, shape);
    value_id moved = make(r, OP_gather_elements, 2, (value_id[]){fresh, index}, &(attr_axis){.axis = 2});
    for (uint32_t i = 0; i < 4; i++) lo[i] = hi[i] = dimi(r, 0);
    hi[2] = dim_sub(t, room, have);
    if (hi[2] != dimi(r, 0)) past = make(r, OP_pad, 1, &past, &(attr_pad){.lo = {4, lo}, .hi = {4, hi}});
    return make3(r, OP_select, make2(r, OP_eq, from, within), moved, past);
}

/* Which keys a query may see: those up to itself, within the window, or all that there are. */
static void read_group_mask(reader *r, call *n, group_query *g) {
    attention *a = &g->a;
    dim keys = extent_of(r, a->k, 2), queries = extent_of(r, a->q, 2);
    int64_t window = attr_int(n, "local_window_size", -1);
    value_id bias = n->in[10], key = count_along(r, keys, 3);
    value_id place = add(r, g->len, count_along(r, queries, 2));
    bool is_causal = attr_int(n, "causal", 1) != 0;
    if (is_causal && window < 0 && bias == VALUE_NONE && keys == queries && g->past[0] == VALUE_NONE) {
        a->causal = true;
        return;
    }
    a->mask = is_causal ? make2(r, OP_le, key, place) : make2(r, OP_lt, key, add(r, g->len, scalar_of_dim(r, queries)));
    if (window >= 0) {
        value_id first = sub(r, place, make_like(r, place, (double)window));
        a->mask = make2(r, OP_and, a->mask, make2(r, OP_gt, key, first));
    }
    if (bias == VALUE_NONE) return;
    dim lo[4], hi[4], missing = dim_sub(r->dims, keys, extent_of(r, bias, 3));
    for (uint32_t i = 0; i < 4; i++) lo[i] = hi[i] = dimi(r, 0);
    hi[3] = missing;
    if (missing != dimi(r, 0)) bias = make(r, OP_pad, 1, &bias, &(attr_pad){.lo = {4, lo}, .hi = {4, hi}});
    a->mask = join_masks(r, bias, a->mask);
}

static void refuse_quantised_cache(reader *r, const call *n) {
    bool is_plain = str_equal(attr_text(n, "k_quant_type", "NONE"), "NONE") &&
                    str_equal(attr_text(n, "v_quant_type", "NONE"), "NONE") && !has_in(n, 12) && !has_in(n, 13);
    if (!is_plain) fail_node(r, FRIT_UNSUPPORTED, "a quantised cache");
    if (attr_int(n, "sliding_window_cache", 0) || has_in(n, 16))
        fail_node(r, FRIT_UNSUPPORTED, "a cache that slides, or padded chunks");
}

void map_group_query_attention(reader *r, call *n) {
    group_query g = {.a = {.mask = VALUE_NONE, .sink = n->in[11], .past = dimi(r, 0)}, .past = {n->in[3], n->in[4]}};
    refuse_quantised_cache(r, n);
    read_queries(r, n, &g);
    if (failed(r) || g.a.q == VALUE_NONE || !read_lengths(r, n, &g)) return;
    if (attr_int(n, "do_rotary", 0)) {
        value_id tables[2] = {n->in[7], n->in[8]}, places = make_cast(r, n->in[9], FRIT_DT_I64);
        bool interleaved = attr_int(n, "rotary_interleaved", 0) != 0;
        if (places == VALUE_NONE) {
            value_id each = add(r, g.len, count_along(r, extent_of(r, g.a.q, 2), 3));
            dim shape[2] = {extent_of(r, each, 0), extent_of(r, each, 3)};
            places = make_reshape(r, each, 2, shape);
        }
        g.a.q = rotated(r, g.a.q, places, tables, interleaved), g.a.k = rotated(r, g.a.k, places, tables, interleaved);
    }
    g.a.k = appended(r, &g, g.past[0], g.a.k), g.a.v = appended(r, &g, g.past[1], g.a.v);
    g.a.scale = attention_scale(r, n, g.a.q), g.a.softcap = attr_float(n, "softcap", 0);
    if (attr_int(n, "smooth_softmax", -1) == 1 && g.a.sink == VALUE_NONE) {
        dim one = dimi(r, 1);
        g.a.sink = make_reshape(r, make_like(r, g.a.q, 0), 1, &one);
    }
    read_group_mask(r, n, &g);
    n->out[0] = join_heads(r, make_attention(r, &g.a, 0, NULL));
    n->out[1] = g.a.k, n->out[2] = g.a.v;
}
