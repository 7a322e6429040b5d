/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Normalisation and losses. */
#include <math.h>

#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

/* A [C] parameter as [C, 1, ..] so that it broadcasts along axis 1 of x. */
static value_id per_channel(reader *r, value_id p, value_id x) {
    uint32_t rank = rank_of(r, x);
    dim shape[MAX_RANK];
    if (p == VALUE_NONE || rank < 2) return p;
    shape[0] = extent_of(r, p, 0);
    for (uint32_t i = 1; i + 1 < rank; i++) shape[i] = dimi(r, 1);
    return make_reshape(r, p, rank - 1, shape);
}

static value_id normalised(reader *r, value_id x, value_id mean, value_id var, double eps) {
    return quotient(r, sub(r, x, mean), make1(r, OP_sqrt, add(r, var, make_like(r, var, eps))));
}

/* Statistics of this batch, and running ones moved towards them. */
static void train_batch_norm(reader *r, call *n, double eps, double momentum) {
    value_id x = n->in[0];
    int64_t axes[MAX_RANK];
    uint32_t k = 0, rank = rank_of(r, x);
    for (uint32_t i = 0; i < rank; i++)
        if (i != 1) axes[k++] = i;
    value_id mean = make_mean(r, x, k, axes, true), centred = sub(r, x, mean);
    value_id var = make_mean(r, mul(r, centred, centred), k, axes, true);
    value_id y = normalised(r, x, mean, var, eps);
    n->out[0] = add(r, mul(r, y, per_channel(r, n->in[1], x)), per_channel(r, n->in[2], x));
    value_id now[2] = {mean, var};
    for (uint32_t i = 0; i < 2; i++) {
        dim c = extent_of(r, x, 1);
        value_id old = n->in[3 + i], fresh = make_cast(r, make_reshape(r, now[i], 1, &c), dtype_of(r, old));
        n->out[1 + i] =
            add(r, mul(r, old, make_like(r, old, momentum)), mul(r, fresh, make_like(r, old, 1 - momentum)));
    }
}

void map_batch_norm(reader *r, call *n) {
    double eps = attr_float(n, "epsilon", 1e-5);
    bool trains = n->version >= 14 ? attr_int(n, "training_mode", 0) != 0
                  : n->version < 7 ? !attr_int(n, "is_test", 0)
                                   : n->n_out > 1;
    if (n->version < 7 && n->n_out == 1) trains = false;
    if (trains) {
        train_batch_norm(r, n, eps, attr_float(n, "momentum", 0.9));
        return;
    }
    value_id in[5] = {n->in[0]};
    for (uint32_t i = 1; i < 5; i++) in[i] = make_cast(r, n->in[i], dtype_of(r, n->in[0]));
    n->out[0] = make(r, OP_batch_norm, 5, in, &(attr_norm){.axis = 1, .eps = eps});
}

void map_instance_norm(reader *r, call *n) {
    n->out[0] = make(r, OP_instance_norm, 3, n->in, &(attr_norm){.axis = 1, .eps = attr_float(n, "epsilon", 1e-5)});
}

/* Before opset 21 scale and bias are one a group. */
void map_group_norm(reader *r, call *n) {
    int64_t groups = attr_int(n, "num_groups", 1);
    value_id in[3] = {n->in[0], n->in[1], n->in[2]};
    dim c = extent_of(r, n->in[0], 1), g = dimi(r, groups);
    for (uint32_t i = 1; i < 3 && n->version < 21 && groups > 0; i++) {
        dim wide[2] = {g, dim_floordiv(r->dims, c, g)};
        in[i] = make_reshape(r, make_broadcast(r, make_unsqueeze(r, in[i], 1), 2, wide), 1, &c);
    }
    n->out[0] =
        make(r, OP_group_norm, 3, in, &(attr_group_norm){.groups = groups, .eps = attr_float(n, "epsilon", 1e-5)});
}

/* Mean and 1 / deviation over the last axes, in f32 or wider, as LayerNormalization's further results. */
static void layer_statistics(reader *r, call *n, int64_t axis, double eps) {
    value_id x = n->in[0];
    dtype dt = attr_int(n, "stash_type", 1) == 1 ? FRIT_DT_F32 : dtype_of(r, x);
    int64_t axes[MAX_RANK];
    uint32_t k = 0, rank = rank_of(r, x);
    for (uint32_t i = (uint32_t)axis; i < rank; i++) axes[k++] = i;
    value_id wide = make_cast(r, x, dt), mean = make_mean(r, wide, k, axes, true), centred = sub(r, wide, mean);
    value_id var = make_mean(r, mul(r, centred, centred), k, axes, true);
    n->out[1] = mean;
    n->out[2] = quotient(r, make_like(r, var, 1), make1(r, OP_sqrt, add(r, var, make_like(r, var, eps))));
}

void map_layer_norm(reader *r, call *n) {
    attr_norm a = {.axis = attr_int(n, "axis", -1), .eps = attr_float(n, "epsilon", 1e-5)};
    if (n->in[0] == VALUE_NONE || !norm_axis(r, &a.axis, rank_of(r, n->in[0]))) return;
    value_id in[3] = {n->in[0], make_cast(r, n->in[1], dtype_of(r, n->in[0])),
                      make_cast(r, n->in[2], dtype_of(r, n->in[0]))};
    n->out[0] = make(r, OP_layer_norm, has_in(n, 2) ? 3 : 2, in, &a);
    if (n->n_out > 1) layer_statistics(r, n, a.axis, a.eps);
}

void map_rms_norm(reader *r, call *n) {
    attr_norm a = {.axis = attr_int(n, "axis", -1), .eps = attr_float(n, "epsilon", 1e-5)};
    value_id in[2] = {n->in[0], make_cast(r, n->in[1], dtype_of(r, n->in[0]))};
    n->out[0] = make_cast(r, make(r, OP_rms_norm, 2, in, &a), dtype_of(r, n->in[1]));
}

/* --- losses --- */

/* x[n, label[n, ..], ..] with the class axis 1 removed; labels outside give whatever, and are weighted by zero later.
 */
static value_id pick_class(reader *r, value_id x, value_id labels) {
    value_id picked =
        make(r, OP_gather_elements, 2, (value_id[]){x, make_unsqueeze(r, labels, 1)}, &(attr_axis){.axis = 1});
    return make_squeeze(r, picked, 1);
}

/* Minus the log probability of each label, weighted, and reduced as the node says. */
static value_id class_loss(reader *r, call *n, value_id logs, value_id labels, value_id weights) {
    static const char *const ways[] = {"none", "sum", "mean", NULL};
    int way = attr_choice(r, n, "reduction", "mean", ways);
    bool ignores = attr_find(n, "ignore_index") != NULL;
    if (logs == VALUE_NONE || labels == VALUE_NONE) return VALUE_NONE;
    value_id ignored = VALUE_NONE, index = labels, zero = make_like(r, logs, 0);
    if (ignores) {
        ignored = make2(r, OP_eq, labels, make_like(r, labels, (double)attr_int(n, "ignore_index", 0)));
        index = make3(r, OP_select, ignored, make_like(r, labels, 0), labels);
    }
    value_id loss = make1(r, OP_neg, pick_class(r, logs, index));
    value_id weight =
        weights != VALUE_NONE ? make_gather(r, 0, weights, index) : make_same_shape(r, make_like(r, logs, 1), loss);
    if (ignores) weight = make3(r, OP_select, ignored, zero, weight);
    if (weights != VALUE_NONE || ignores) loss = mul(r, loss, weight);
    int64_t axes[MAX_RANK];
    uint32_t rank = rank_of(r, loss);
    for (uint32_t i = 0; i < rank; i++) axes[i] = i;
    if (way == 0 || loss == VALUE_NONE) return loss;
    value_id sum = make_reduce(r, RK_sum, loss, rank, axes, false);
    return way == 1 ? sum : quotient(r, sum, make_reduce(r, RK_sum, weight, rank, axes, false));
}

void map_nll_loss(reader *r, call *n) { n->out[0] = class_loss(r, n, n->in[0], n->in[1], n->in[2]); }

void map_softmax_cross_entropy(reader *r, call *n) {
    value_id logs = make(r, OP_log_softmax, 1, n->in, &(attr_axis){.axis = 1});
    n->out[0] = class_loss(r, n, logs, n->in[1], n->in[2]);
    n->out[1] = logs;
}
