/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators of the domain com.microsoft, as ONNX Runtime's optimizers and model builders write them: fused forms of
 * plain operators, which become those again, so that one road leads to the kernels. */
#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

/* --- activations --- */

/* y under the activation that a fused operator names, with its one or two numbers. */
static value_id activated(reader *r, value_id y, const char *name, const double p[2]) {
    static const struct {
        const char *name;
        op_code op;
        int n_params;
    } known_ones[] = {
        {"Relu", OP_relu, 0},
        {"Tanh", OP_tanh, 0},
        {"Sigmoid", OP_sigmoid, 0},
        {"Softplus", OP_softplus, 0},
        {"Softsign", OP_softsign, 0},
        {"HardSwish", OP_hard_swish, 0},
        {"Gelu", OP_gelu, 0},
        {"LeakyRelu", OP_leaky_relu, 1},
        {"Elu", OP_elu, 1},
        {"ThresholdedRelu", OP_thresholded_relu, 1},
        {"HardSigmoid", OP_hard_sigmoid, 2},
    };
    if (!*name) return y;
    if (str_equal(name, "Clip")) return make_clamp(r, y, p[0], p[1]);
    for (size_t i = 0; i < countof(known_ones); i++) {
        if (!str_equal(name, known_ones[i].name)) continue;
        attr_alpha one = {.alpha = p[0]};
        attr_alpha_beta two = {.alpha = p[0], .beta = p[1]};
        const void *attrs = known_ones[i].n_params == 0 ? NULL : known_ones[i].n_params == 1 ? (void *)&one : &two;
        return make(r, known_ones[i].op, 1, &y, attrs);
    }
    fail_node(r, FRIT_UNSUPPORTED, "activation '%.40s'", name);
    return VALUE_NONE;
}

static value_id activated_by_node(reader *r, const call *n, value_id y) {
    double p[2] = {attr_float(n, "activation_alpha", 0), attr_float(n, "activation_beta", 0)};
    return activated(r, y, attr_text(n, "activation", ""), p);
}

/* x + bias, where there is one, under the row's operator. */
void map_bias_activation(reader *r, call *n) {
    n->out[0] = make1(r, n->row->op, has_in(n, 1) ? add(r, n->in[0], n->in[1]) : n->in[0]);
}

/* The first half of the last axis times the gelu of the second. */
void map_bias_split_gelu(reader *r, call *n) {
    value_id x = add(r, n->in[0], n->in[1]);
    dim half = dim_floordiv(r->dims, extent_of(r, x, -1), dimi(r, 2));
    value_id gate = make_slice(r, x, -1, half, half, 1);
    n->out[0] = mul(r, make_slice(r, x, -1, dimi(r, 0), half, 1), make1(r, OP_gelu, gate));
}

/* --- products --- */

/* Axis 0 moved behind the batch axes where `batch` says so, then the last two axes swapped where `last` does. */
static value_id matmul_operand(reader *r, value_id x, bool batch, bool last) {
    uint32_t rank = rank_of(r, x);
    int64_t perm[MAX_RANK];
    if (x == VALUE_NONE || rank < 2) return x;
    for (uint32_t i = 0; i < rank; i++) perm[i] = i;
    for (uint32_t i = 0; batch && i + 1 < rank; i++) perm[i] = i + 2 < rank ? i + 1 : 0;
    value_id y = make_transpose(r, x, perm);
    return last ? make_swap(r, y, -2, -1) : y;
}

void map_fused_matmul(reader *r, call *n) {
    value_id a = matmul_operand(r, n->in[0], attr_int(n, "transBatchA", 0) != 0, attr_int(n, "transA", 0) != 0);
    value_id b = matmul_operand(r, n->in[1], attr_int(n, "transBatchB", 0) != 0, attr_int(n, "transB", 0) != 0);
    double alpha = attr_float(n, "alpha", 1);
    value_id y = make2(r, OP_matmul, a, b);
    n->out[0] = activated_by_node(r, n, alpha == 1 ? y : mul(r, y, make_like(r, y, alpha)));
}

void map_fused_gemm(reader *r, call *n) {
    map_gemm(r, n);
    n->out[0] = activated_by_node(r, n, n->out[0]);
}

void map_gemm_fast_gelu(reader *r, call *n) {
    value_id y = make2(r, OP_matmul, n->in[0], n->in[1]);
    n->out[0] = make1(r, OP_gelu_tanh, has_in(n, 2) ? add(r, y, n->in[2]) : y);
}

/* A convolution, a sum with a fourth operand, an activation. */
void map_fused_conv(reader *r, call *n) {
    const onnx_attr *params = attr_find(n, "activation_params");
    double p[2] = {0, 0};
    for (uint32_t i = 0; params && params->type == ATTR_FLOATS && i < params->floats.n && i < 2; i++)
        p[i] = params->floats.at[i];
    map_conv(r, n);
    value_id y = has_in(n, 3) ? add(r, n->out[0], n->in[3]) : n->out[0];
    n->out[0] = activated(r, y, attr_text(n, "activation", ""), p);
}

/* --- normalisation --- */

static value_id layer_normed(reader *r, value_id x, value_id scale, value_id bias, double eps) {
    value_id in[3] = {x, make_cast(r, scale, dtype_of(r, x)), make_cast(r, bias, dtype_of(r, x))};
    return make(r, OP_layer_norm, bias == VALUE_NONE ? 2 : 3, in, &(attr_norm){.axis = -1, .eps = eps});
}

/* input + skip (+ bias), normed by the row's operator; the sum is a further result. A layer norm's bias stands before
 * that of the sum. */
void map_skip_norm(reader *r, call *n) {
    bool simplified = n->row->op == OP_rms_norm;
    value_id bias = n->in[simplified ? 3 : 4], x = add(r, n->in[0], n->in[1]);
    double eps = attr_float(n, "epsilon", 1e-12);
    if (bias != VALUE_NONE) x = add(r, x, bias);
    value_id in[2] = {x, make_cast(r, n->in[2], dtype_of(r, x))};
    n->out[0] = simplified ? make(r, OP_rms_norm, 2, in, &(attr_norm){.axis = -1, .eps = eps})
                           : layer_normed(r, x, n->in[2], n->in[3], eps);
    n->out[3] = x;
}

/* Channels last by default; with a skip, and bias of one a channel, added before. */
void map_contrib_group_norm(reader *r, call *n) {
    static const int64_t to_first[] = {0, 3, 1, 2}, to_last[] = {0, 2, 3, 1};
    bool is_last = attr_int(n, "channels_last", 1) != 0;
    value_id x = n->in[0], skip = n->in[3];
    if (rank_of(r, x) != 4) fail_node(r, FRIT_UNSUPPORTED, "needs four axes");
    if (failed(r)) return;
    if (skip != VALUE_NONE) {
        if (!is_last) fail_node(r, FRIT_UNSUPPORTED, "a skip with channels first");
        if (rank_of(r, skip) == 2) skip = make_unsqueeze(r, make_unsqueeze(r, skip, 1), 1);
        x = add(r, x, skip);
        if (has_in(n, 4)) x = add(r, x, n->in[4]);
        n->out[1] = x;
    }
    value_id in[3] = {is_last ? make_transpose(r, x, to_first) : x, make_cast(r, n->in[1], dtype_of(r, x)),
                      make_cast(r, n->in[2], dtype_of(r, x))};
    attr_group_norm a = {.groups = attr_int(n, "groups", 1), .eps = attr_float(n, "epsilon", 1e-5)};
    value_id y = make(r, OP_group_norm, 3, in, &a);
    if (attr_int(n, "activation", 0) == 1) y = make1(r, OP_silu, y);
    n->out[0] = is_last && y != VALUE_NONE ? make_transpose(r, y, to_last) : y;
}

/* Words, places and segments looked up, summed and normed. tables: word, position, segment or VALUE_NONE, gamma, beta;
 * further results are how many tokens each row of the mask keeps, and the sum. */
static void embed_and_norm(reader *r, call *n, const value_id tables[5], value_id mask, value_id places) {
    value_id ids = n->in[0], sum = make_gather(r, 0, tables[0], ids);
    if (places != VALUE_NONE)
        sum = add(r, sum, make_gather(r, 0, tables[1], places));
    else
        sum = add(r, sum, make_slice(r, tables[1], 0, dimi(r, 0), extent_of(r, ids, 1), 1));
    if (tables[2] != VALUE_NONE) sum = add(r, sum, make_gather(r, 0, tables[2], n->in[1]));
    n->out[0] = layer_normed(r, sum, tables[3], tables[4], attr_float(n, "epsilon", 1e-12));
    dim batch = extent_of(r, ids, 0);
    n->out[1] = make_broadcast(r, make_splat(r, FRIT_DT_I32, 0), 1, &batch);
    if (mask != VALUE_NONE) {
        value_id kept = make_cast(r, make2(r, OP_eq, mask, make_like(r, mask, 1)), FRIT_DT_I32);
        n->out[1] = make_reduce1(r, RK_sum, kept, 1, false);
    }
    n->out[2] = sum;
}

void map_embed_layer_norm(reader *r, call *n) {
    value_id tables[5] = {n->in[2], n->in[3], n->in[4], n->in[5], n->in[6]};
    embed_and_norm(r, n, tables, n->in[7], n->in[8]);
}

/* The same with tables, gamma and beta of integers: each has a scale and a zero point further on. */
void map_qembed_layer_norm(reader *r, call *n) {
    static const int64_t whole[2] = {0, 0};
    value_id tables[5] = {n->in[2], n->in[3], n->in[4], n->in[5], n->in[6]};
    for (uint32_t i = 0; i < 5; i++)
        if (tables[i] != VALUE_NONE) tables[i] = dequantised(r, tables[i], n->in[8 + i], n->in[13 + i], whole);
    embed_and_norm(r, n, tables, n->in[7], VALUE_NONE);
}

/* --- others --- */

void map_bias_add(reader *r, call *n) { n->out[0] = add(r, add(r, n->in[0], n->in[1]), n->in[2]); }

void map_expand_dims(reader *r, call *n) {
    int_list axis;
    if (!want_ints(r, n, 1, &axis)) return;
    if (axis.n == 1)
        n->out[0] = make_unsqueeze(r, n->in[0], axis.at[0]);
    else
        fail_node(r, FRIT_FORMAT, "needs one axis");
}

/* The distance of each row of a to each row of b, or its square. */
void map_cdist(reader *r, call *n) {
    static const char *const metrics[] = {"sqeuclidean", "euclidean", NULL};
    int metric = attr_choice(r, n, "metric", "sqeuclidean", metrics);
    value_id a = n->in[0], b = n->in[1];
    if (rank_of(r, a) != 2 || rank_of(r, b) != 2) {
        fail_node(r, FRIT_SHAPE, "needs two matrices");
        return;
    }
    const char *text = arena_printf(r->c->job, "%s: the rows of both operands must have one length", r->where);
    if (!failed(r)) graph_require(r->c, r->g, extent_of(r, a, 1), extent_of(r, b, 1), CK_EQUAL, text);
    value_id apart = sub(r, make_unsqueeze(r, a, 1), make_unsqueeze(r, b, 0));
    value_id squares = make_reduce1(r, RK_sum, mul(r, apart, apart), 2, false);
    n->out[0] = metric ? make1(r, OP_sqrt, squares) : squares;
}

/* Pads as an operand, as ONNX has them since opset 11. */
void map_contrib_pad(reader *r, call *n) {
    call later = *n;
    later.version = 13;
    map_pad(r, &later);
    n->out[0] = later.out[0];
}
