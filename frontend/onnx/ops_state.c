/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Layers with a state handed on from call to call, attention with functions of the scores, and optimiser steps. */
#include <math.h>

#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

#define MAX_STEPS 64 /* of a recurrence that is written out */

/* A depthwise convolution over the last k - 1 inputs and the new ones. */
void map_causal_conv_with_state(reader *r, call *n) {
    static const char *const activations[] = {"none", "silu", "swish", NULL};
    value_id x = n->in[0], w = n->in[1], past = n->in[3];
    int64_t k = 0, channels;
    if (x == VALUE_NONE || w == VALUE_NONE) return;
    if (rank_of(r, x) != 3 || rank_of(r, w) != 3) {
        fail_node(r, FRIT_SHAPE, "needs operands of three axes");
        return;
    }
    bool is_known =
        dim_is_const(r->dims, extent_of(r, w, 2), &k) && dim_is_const(r->dims, extent_of(r, w, 0), &channels);
    if (!is_known) {
        want_const(r, n, 1, "the size of the kernel");
        return;
    }
    dim shape[3] = {extent_of(r, x, 0), extent_of(r, x, 1), dimi(r, k - 1)};
    if (past == VALUE_NONE) past = make_broadcast(r, make_like(r, x, 0), 3, shape);
    value_id whole = k > 1 ? make_concat(r, 2, 2, (value_id[]){past, x}) : x;
    value_id in[3] = {whole, w, n->in[2]};
    value_id y = make(r, OP_conv, has_in(n, 2) ? 3 : 2, in, &(attr_conv){.groups = channels});
    n->out[0] = attr_choice(r, n, "activation", "none", activations) ? make1(r, OP_silu, y) : y;
    n->out[1] = make_slice(r, whole, 2, extent_of(r, x, 2), dimi(r, k - 1), 1);
}

/* --- LinearAttention --- */

typedef struct linear_call {
    value_id q, k, v, decay, beta; /* [B, H, T, .] in f32; VALUE_NONE when not used */
    dim groups;                    /* query heads a key head */
    double scale;
} linear_call;

/* [B, T, H*D] as [B, H, T, D] in f32. */
static value_id heads_of(reader *r, value_id x, int64_t heads) {
    static const int64_t perm[] = {0, 2, 1, 3};
    if (x == VALUE_NONE) return x;
    dim h = dimi(r, heads);
    dim shape[4] = {extent_of(r, x, 0), extent_of(r, x, 1), h, dim_floordiv(r->dims, extent_of(r, x, 2), h)};
    return make_transpose(r, make_reshape(r, make_cast(r, x, FRIT_DT_F32), 4, shape), perm);
}

static value_id at_step(reader *r, value_id x, int64_t t) {
    return x == VALUE_NONE ? x : make_slice(r, x, 2, dimi(r, t), dimi(r, 1), 1); /* [B, H, 1, .] */
}

/* One step of the state [B, H, K, V]: decay, correct, write; *out_y reads it for every query head, [B, Hq, 1, V]. */
static value_id linear_step(reader *r, const linear_call *a, int64_t t, value_id state, value_id *out_y) {
    value_id k = at_step(r, a->k, t), v = at_step(r, a->v, t), decay = at_step(r, a->decay, t);
    value_id column = make_swap(r, k, 2, 3); /* [B, H, K, 1] */
    if (decay != VALUE_NONE) state = mul(r, state, make1(r, OP_exp, make_swap(r, decay, 2, 3)));
    if (a->beta != VALUE_NONE) v = mul(r, at_step(r, a->beta, t), sub(r, v, make2(r, OP_matmul, k, state)));
    state = add(r, state, mul(r, column, v));
    value_id q = at_step(r, a->q, t);
    dim wide[5] = {extent_of(r, state, 0), extent_of(r, state, 1), a->groups, extent_of(r, state, 2),
                   extent_of(r, state, 3)};
    dim joined[4] = {wide[0], dim_mul(r->dims, wide[1], a->groups), wide[3], wide[4]};
    value_id seen = make_reshape(r, make_broadcast(r, make_unsqueeze(r, state, 2), 5, wide), 4, joined);
    *out_y = mul(r, make2(r, OP_matmul, q, seen), make_splat(r, FRIT_DT_F32, a->scale));
    return state;
}

void map_linear_attention(reader *r, call *n) {
    static const int64_t back[] = {0, 2, 1, 3};
    int64_t q_heads = attr_int(n, "q_num_heads", 0), heads = attr_int(n, "kv_num_heads", 0), steps, size;
    value_id q = n->in[0], ys[MAX_STEPS];
    if (q_heads < 1 || heads < 1 || q_heads % heads || rank_of(r, q) != 3 || rank_of(r, n->in[1]) != 3 ||
        rank_of(r, n->in[2]) != 3) {
        fail_node(r, FRIT_SHAPE, "needs three axes and query heads that are a multiple of the key heads");
        return;
    }
    linear_call a = {heads_of(r, q, q_heads),
                     heads_of(r, n->in[1], heads),
                     heads_of(r, n->in[2], heads),
                     heads_of(r, n->in[4], heads),
                     VALUE_NONE,
                     dimi(r, q_heads / heads),
                     attr_float(n, "scale", 0)};
    if (has_in(n, 5)) a.beta = heads_of(r, n->in[5], extent_of(r, n->in[5], -1) == dimi(r, 1) ? 1 : heads);
    bool fits = dim_is_const(r->dims, extent_of(r, q, 1), &steps) && steps >= 1 && steps <= MAX_STEPS &&
                dim_is_const(r->dims, extent_of(r, a.q, 3), &size);
    if (failed(r) || !fits) {
        fail_node(r, FRIT_UNSUPPORTED, "sequences of unknown length, or of more than %d steps", MAX_STEPS);
        return;
    }
    if (a.scale == 0) a.scale = 1 / sqrt((double)size);
    dim shape[4] = {extent_of(r, q, 0), dimi(r, heads), extent_of(r, a.k, 3), extent_of(r, a.v, 3)};
    value_id state =
        has_in(n, 3) ? make_cast(r, n->in[3], FRIT_DT_F32) : make_broadcast(r, make_splat(r, FRIT_DT_F32, 0), 4, shape);
    for (int64_t t = 0; t < steps; t++) state = linear_step(r, &a, t, state, &ys[t]);
    value_id y = make_concat(r, 2, (uint32_t)steps, ys); /* [B, Hq, T, V] */
    dim out[3] = {shape[0], extent_of(r, q, 1), dim_mul(r->dims, dimi(r, q_heads), shape[3])};
    n->out[0] = make_cast(r, make_reshape(r, make_transpose(r, y, back), 3, out), dtype_of(r, q));
    n->out[1] = make_cast(r, state, dtype_of(r, has_in(n, 3) ? n->in[3] : q));
}

/* --- FlexAttention --- */

/* x through the subgraph of one value that an attribute holds; x itself without it. */
static value_id modified(reader *r, call *n, const char *name, value_id x) {
    const onnx_attr *a = attr_find(n, name);
    value_id out = VALUE_NONE;
    if (!a || a->type != ATTR_GRAPH || x == VALUE_NONE) return x;
    if (a->g->outputs.n != 1)
        fail_node(r, FRIT_FORMAT, "%s must give one result", name);
    else
        read_subgraph(r, n->f, a->g, 1, &x, &out);
    return make_cast(r, out, dtype_of(r, x));
}

static value_id shared_heads(reader *r, value_id x, value_id q) {
    dim heads = extent_of(r, q, 1), groups = extent_of(r, x, 1);
    if (heads == groups) return x;
    dim wide[5] = {extent_of(r, x, 0), groups, dim_floordiv(r->dims, heads, groups), extent_of(r, x, 2),
                   extent_of(r, x, 3)};
    dim joined[4] = {wide[0], heads, wide[3], wide[4]};
    return make_reshape(r, make_broadcast(r, make_unsqueeze(r, x, 2), 5, wide), 4, joined);
}

void map_flex_attention(reader *r, call *n) {
    value_id q = n->in[0], k = n->in[1], v = n->in[2];
    int64_t size;
    if (rank_of(r, q) != 4 || rank_of(r, k) != 4 || rank_of(r, v) != 4) fail_node(r, FRIT_SHAPE, "needs four axes");
    if (failed(r) || !dim_is_const(r->dims, extent_of(r, q, 3), &size)) return;
    double root = sqrt(attr_float(n, "scale", 1 / sqrt((double)size)));
    dtype usual = dtype_bits(dtype_of(r, q)) < 32 ? FRIT_DT_F32 : dtype_of(r, q);
    dtype dt = attr_dtype(r, n, "softmax_precision", usual);
    value_id keys = mul(r, shared_heads(r, k, q), make_like(r, k, root));
    value_id scores = make2(r, OP_matmul, mul(r, q, make_like(r, q, root)), make_swap(r, keys, 2, 3));
    scores = modified(r, n, "score_mod", make_cast(r, scores, dt));
    value_id probabilities = modified(r, n, "prob_mod", make(r, OP_softmax, 1, &scores, &(attr_axis){.axis = -1}));
    value_id y = make2(r, OP_matmul, probabilities, make_cast(r, shared_heads(r, v, q), dt));
    n->out[0] = make_cast(r, y, dtype_of(r, v));
}

/* --- optimisers: R, T, then n tensors of each kind; results likewise --- */

static value_id like(reader *r, value_id x, double v) { return make_like(r, x, v); }

/* Operand `kind` of tensor i when there are n tensors. */
static value_id tensor_of(const call *n, uint32_t kind, uint32_t count, uint32_t i) {
    return n->in[2 + kind * count + i];
}

static value_id regularised(reader *r, const call *n, value_id x, value_id g) {
    return add(r, mul(r, x, like(r, x, attr_float(n, "norm_coefficient", 0))), g);
}

void map_adagrad(reader *r, call *n) {
    uint32_t count = n->n_in > 2 ? (n->n_in - 2) / 3 : 0;
    value_id rate = n->in[0], t = make_cast(r, n->in[1], dtype_of(r, rate)), one = like(r, rate, 1);
    rate = quotient(r, rate, add(r, one, mul(r, t, like(r, rate, attr_float(n, "decay_factor", 0)))));
    for (uint32_t i = 0; i < count && i < n->n_out; i++) {
        value_id x = tensor_of(n, 0, count, i), g = regularised(r, n, x, tensor_of(n, 1, count, i));
        value_id h = add(r, tensor_of(n, 2, count, i), mul(r, g, g));
        value_id root = add(r, make1(r, OP_sqrt, h), like(r, h, attr_float(n, "epsilon", 0)));
        n->out[i] = sub(r, x, quotient(r, mul(r, rate, g), root));
        if (count + i < n->n_out) n->out[count + i] = h;
    }
}

void map_adam(reader *r, call *n) {
    uint32_t count = n->n_in > 2 ? (n->n_in - 2) / 4 : 0;
    double alpha = attr_float(n, "alpha", 0.9), beta = attr_float(n, "beta", 0.999);
    value_id rate = n->in[0], t = make_cast(r, n->in[1], dtype_of(r, rate)), one = like(r, rate, 1);
    value_id corrected = mul(r, rate, make1(r, OP_sqrt, sub(r, one, make2(r, OP_pow, like(r, rate, beta), t))));
    corrected = quotient(r, corrected, sub(r, one, make2(r, OP_pow, like(r, rate, alpha), t)));
    rate = make3(r, OP_select, make2(r, OP_gt, t, like(r, t, 0)), corrected, rate);
    for (uint32_t i = 0; i < count && i < n->n_out; i++) {
        value_id x = tensor_of(n, 0, count, i), g = regularised(r, n, x, tensor_of(n, 1, count, i));
        value_id v = add(r, mul(r, tensor_of(n, 2, count, i), like(r, g, alpha)), mul(r, g, like(r, g, 1 - alpha)));
        value_id h =
            add(r, mul(r, tensor_of(n, 3, count, i), like(r, g, beta)), mul(r, mul(r, g, g), like(r, g, 1 - beta)));
        value_id root = add(r, make1(r, OP_sqrt, h), like(r, h, attr_float(n, "epsilon", 0)));
        x = sub(r, x, mul(r, rate, quotient(r, v, root)));
        n->out[i] = mul(r, x, like(r, x, 1 - attr_float(n, "norm_coefficient_post", 0)));
        if (count + i < n->n_out) n->out[count + i] = v;
        if (2 * count + i < n->n_out) n->out[2 * count + i] = h;
    }
}

void map_momentum(reader *r, call *n) {
    static const char *const modes[] = {"standard", "nesterov", NULL};
    uint32_t count = n->n_in > 2 ? (n->n_in - 2) / 3 : 0;
    bool nesterov = attr_choice(r, n, "mode", "standard", modes) != 0;
    value_id rate = n->in[0], t = n->in[1];
    for (uint32_t i = 0; i < count && i < n->n_out; i++) {
        value_id x = tensor_of(n, 0, count, i), g = regularised(r, n, x, tensor_of(n, 1, count, i));
        value_id alpha = like(r, x, attr_float(n, "alpha", 0)), one = like(r, x, 1);
        value_id beta =
            make3(r, OP_select, make2(r, OP_gt, t, like(r, t, 0)), like(r, x, attr_float(n, "beta", 1)), one);
        value_id v = add(r, mul(r, alpha, tensor_of(n, 2, count, i)), mul(r, beta, g));
        n->out[i] = sub(r, x, mul(r, rate, nesterov ? add(r, g, mul(r, alpha, v)) : v));
        if (count + i < n->n_out) n->out[count + i] = v;
    }
}
