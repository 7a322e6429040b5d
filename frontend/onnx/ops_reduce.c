/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reductions: axes from an attribute or an operand, kept or not, and the compositions ONNX has names for. */
#include <math.h>

#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

/* The axes a reduction runs over, normalised. False when the node leaves its operand as it is (noop_with_empty_axes).
 */
static bool reduction_axes(reader *r, call *n, int_list *out) {
    uint32_t rank = rank_of(r, n->in[0]);
    bool given = attr_ints(n, "axes", out);
    if (!given && has_in(n, 1)) given = want_ints(r, n, 1, out) && out->n > 0;
    int64_t *axes = ARENA_ARRAY(r->c->job, int64_t, MAX_RANK);
    uint32_t count = 0, seen = 0;
    for (uint32_t i = 0; given && i < out->n; i++) {
        int64_t axis = out->at[i];
        if (!norm_axis(r, &axis, rank) || (seen >> axis & 1)) continue;
        seen |= 1u << axis;
        axes[count++] = axis;
    }
    if (given && out->n) {
        *out = (int_list){count, axes};
        return true;
    }
    if (attr_int(n, "noop_with_empty_axes", 0)) return *out = (int_list){0}, false;
    for (uint32_t i = 0; i < rank; i++) axes[i] = i;
    *out = (int_list){rank, axes};
    return true;
}

static value_id reduced(reader *r, call *n, reduce_kind kind, value_id x, const int_list *axes) {
    return make_reduce(r, kind, x, axes->n, axes->at, attr_int(n, "keepdims", 1) != 0);
}

void map_reduce(reader *r, call *n) {
    static const struct {
        op_code row;
        reduce_kind kind;
    } kinds[] = {{OP_add, RK_sum}, {OP_mul, RK_prod}, {OP_max, RK_max}, {OP_min, RK_min}};
    int_list axes;
    n->out[0] = n->in[0];
    if (n->in[0] == VALUE_NONE || !reduction_axes(r, n, &axes)) return;
    for (size_t i = 0; i < countof(kinds); i++)
        if (kinds[i].row == n->row->op) n->out[0] = reduced(r, n, kinds[i].kind, n->in[0], &axes);
}

/* ReduceMean; integers divide like numpy's mean cast back: truncated. */
void map_reduce_mean(reader *r, call *n) {
    int_list axes;
    n->out[0] = n->in[0];
    if (n->in[0] != VALUE_NONE && reduction_axes(r, n, &axes))
        n->out[0] = make_mean(r, n->in[0], axes.n, axes.at, attr_int(n, "keepdims", 1) != 0);
}

void map_reduce_l1(reader *r, call *n) {
    int_list axes;
    value_id x = make1(r, OP_abs, n->in[0]);
    reduction_axes(r, n, &axes);
    n->out[0] = reduced(r, n, RK_sum, x, &axes);
}

void map_reduce_sum_square(reader *r, call *n) {
    int_list axes;
    value_id x = mul(r, n->in[0], n->in[0]);
    reduction_axes(r, n, &axes);
    n->out[0] = reduced(r, n, RK_sum, x, &axes);
}

/* Square root of integers goes through f64. */
void map_reduce_l2(reader *r, call *n) {
    map_reduce_sum_square(r, n);
    dtype dt = dtype_of(r, n->out[0]);
    value_id x = dtype_is_float(dt) ? n->out[0] : make_cast(r, n->out[0], FRIT_DT_F64);
    n->out[0] = make_cast(r, make1(r, OP_sqrt, x), dt);
}

void map_reduce_log_sum(reader *r, call *n) {
    int_list axes;
    reduction_axes(r, n, &axes);
    n->out[0] = make1(r, OP_log, reduced(r, n, RK_sum, n->in[0], &axes));
}

/* log(sum(exp(x - m))) + m; m is 0 where the maximum is infinite. */
void map_reduce_log_sum_exp(reader *r, call *n) {
    int_list axes;
    value_id x = n->in[0];
    if (x == VALUE_NONE) return;
    reduction_axes(r, n, &axes);
    value_id m = make_reduce(r, RK_max, x, axes.n, axes.at, true);
    m = make3(r, OP_select, make1(r, OP_isinf, m), make_like(r, x, 0), m);
    value_id sum = make_reduce(r, RK_sum, make1(r, OP_exp, sub(r, x, m)), axes.n, axes.at, true);
    value_id y = add(r, make1(r, OP_log, sum), m);
    n->out[0] = attr_int(n, "keepdims", 1) ? y : make_reduce(r, RK_max, y, axes.n, axes.at, false);
}

void map_arg_reduce(reader *r, call *n) {
    bool is_max = n->row->op == OP_max, last = attr_int(n, "select_last_index", 0) != 0;
    reduce_kind kind = is_max ? (last ? RK_argmax_last : RK_argmax) : (last ? RK_argmin_last : RK_argmin);
    int64_t axis = attr_int(n, "axis", 0);
    if (n->in[0] == VALUE_NONE || !norm_axis(r, &axis, rank_of(r, n->in[0]))) return;
    n->out[0] = make_reduce1(r, kind, n->in[0], axis, attr_int(n, "keepdims", 1) != 0);
}

void map_cumulate(reader *r, call *n) {
    int_list axis;
    if (!want_ints(r, n, 1, &axis) || axis.n != 1) return;
    attr_scan a = {.kind = n->row->op == OP_mul ? RK_prod : RK_sum,
                   .axis = axis.at[0],
                   .exclusive = attr_int(n, "exclusive", 0) != 0,
                   .reverse = attr_int(n, "reverse", 0) != 0};
    if (norm_axis(r, &a.axis, rank_of(r, n->in[0]))) n->out[0] = make(r, OP_scan, 1, n->in, &a);
}

void map_lp_normalization(reader *r, call *n) {
    value_id x = n->in[0];
    int64_t axis = attr_int(n, "axis", -1);
    bool is_l1 = attr_int(n, "p", 2) == 1;
    value_id size = is_l1 ? make1(r, OP_abs, x) : mul(r, x, x);
    size = make_reduce1(r, RK_sum, size, axis, true);
    if (!is_l1) size = make1(r, OP_sqrt, size);
    value_id zero = make_like(r, x, 0); /* a vector of zeros stays one */
    n->out[0] = make3(r, OP_select, make2(r, OP_eq, size, zero), zero, quotient(r, x, size));
}

void map_mean_variance_normalization(reader *r, call *n) {
    static const int64_t usual[] = {0, 2, 3};
    int_list axes;
    value_id x = n->in[0];
    if (!attr_ints(n, "axes", &axes)) axes = (int_list){countof(usual), usual};
    for (uint32_t i = 0; i < axes.n; i++) {
        int64_t axis = axes.at[i];
        if (!norm_axis(r, &axis, rank_of(r, x))) return;
    }
    value_id centred = sub(r, x, make_mean(r, x, axes.n, axes.at, true));
    value_id variance = make_mean(r, mul(r, centred, centred), axes.n, axes.at, true);
    n->out[0] = quotient(r, centred, add(r, make1(r, OP_sqrt, variance), make_like(r, x, 1e-9)));
}

void map_top_k(reader *r, call *n) {
    dim_list k = {0};
    dim fixed = dimi(r, attr_int(n, "k", 1));
    if (n->version >= 10) {
        if (!want_dims(r, n, 1, &k)) return;
    } else
        k = (dim_list){1, &fixed};
    attr_topk a = {.k = k, .axis = attr_int(n, "axis", -1), .largest = attr_int(n, "largest", 1) != 0};
    value_id first = make(r, OP_topk, 1, n->in, &a);
    if (first == VALUE_NONE) return;
    n->out[0] = first, n->out[1] = first + 1;
}
