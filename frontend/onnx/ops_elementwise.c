/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise operators whose ONNX form differs from ours: optional operands, any number of operands, mixed types. */
#include <math.h>

#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

void map_identity(reader *r, call *n) {
    (void)r;
    n->out[0] = n->in[0];
    n->out_seq[0] = n->in_seq[0];
}

/* y of an operator before opset 7: with broadcast=1 its axes begin at `axis` of x. */
static value_id align_old(reader *r, const call *n, value_id x, value_id y) {
    uint32_t rank = rank_of(r, x), have = rank_of(r, y);
    int64_t axis = attr_int(n, "axis", (int64_t)rank - have);
    if (n->version >= 7 || !attr_int(n, "broadcast", 0) || have == 0 || axis + have >= (int64_t)rank) return y;
    if (axis < 0 && (axis += rank) < 0) axis = 0;
    dim shape[MAX_RANK];
    uint32_t k = 0;
    for (; k < have; k++) shape[k] = extent_of(r, y, k);
    while (k + (uint32_t)axis < rank) shape[k++] = dimi(r, 1);
    return make_reshape(r, y, k, shape);
}

void map_binary(reader *r, call *n) { n->out[0] = make2(r, n->row->op, n->in[0], align_old(r, n, n->in[0], n->in[1])); }

/* Max, Min, Sum: any number of operands. */
void map_variadic(reader *r, call *n) {
    value_id v = n->in[0];
    for (uint32_t i = 1; i < n->n_in; i++) v = make2(r, n->row->op, v, n->in[i]);
    n->out[0] = v;
}

void map_mean(reader *r, call *n) {
    map_variadic(r, n);
    n->out[0] = quotient(r, n->out[0], make_like(r, n->in[0], n->n_in));
}

void map_pow(reader *r, call *n) {
    value_id x = n->in[0], y = align_old(r, n, x, n->in[1]);
    if (x == VALUE_NONE || y == VALUE_NONE) return;
    dtype dx = dtype_of(r, x), dy = dtype_of(r, y);
    if (dtype_is_integer(dx) && dtype_is_float(dy)) { /* as numpy: in the exponent's type, then back */
        n->out[0] = make_cast(r, make2(r, OP_pow, make_cast(r, x, dy), y), dx);
        return;
    }
    n->out[0] = make2(r, OP_pow, x, make_cast(r, y, dx));
}

void map_mod(reader *r, call *n) { n->out[0] = make2(r, attr_int(n, "fmod", 0) ? OP_rem : OP_mod, n->in[0], n->in[1]); }

void map_bit_shift(reader *r, call *n) {
    static const char *const directions[] = {"LEFT", "RIGHT", NULL};
    op_code op = attr_choice(r, n, "direction", "", directions) ? OP_shr : OP_shl;
    n->out[0] = make2(r, op, n->in[0], n->in[1]);
}

void map_clip(reader *r, call *n) {
    value_id x = n->in[0], lo = n->in[1], hi = n->in[2];
    if (n->version < 11) {
        lo = attr_find(n, "min") ? make_like(r, x, attr_float(n, "min", 0)) : VALUE_NONE;
        hi = attr_find(n, "max") ? make_like(r, x, attr_float(n, "max", 0)) : VALUE_NONE;
    }
    if (lo != VALUE_NONE && hi != VALUE_NONE)
        x = make3(r, OP_clip, x, lo, hi);
    else if (lo != VALUE_NONE)
        x = make2(r, OP_max, x, lo);
    else if (hi != VALUE_NONE)
        x = make2(r, OP_min, x, hi);
    n->out[0] = x;
}

/* To powers of two: the exponent field alone, rounded as round_mode says; infinities and NaN become NaN. */
static value_id cast_e8m0(reader *r, const call *n, value_id x) {
    static const char *const modes[] = {"up", "down", "nearest", NULL};
    int mode = attr_choice(r, n, "round_mode", "up", modes);
    value_id wide = make_cast(r, x, FRIT_DT_F32);
    value_id bits = make(r, OP_bitcast, 1, &wide, &(attr_cast){.to = FRIT_DT_U32, .saturate = true});
    value_id top = make_like(r, bits, 255), half = make_like(r, bits, 0x400000);
    value_id e = make2(r, OP_and, make2(r, OP_shr, bits, make_like(r, bits, 23)), top);
    value_id mantissa = make2(r, OP_and, bits, make_like(r, bits, 0x7fffff)), zero = make_like(r, bits, 0);
    value_id tie = make2(r, OP_and, make2(r, OP_eq, mantissa, half), make2(r, OP_gt, e, zero));
    value_id grows =
        mode == 2 ? make2(r, OP_or, make2(r, OP_gt, mantissa, half), tie) : make2(r, OP_gt, mantissa, zero);
    value_id code = mode == 1 ? e : make3(r, OP_select, grows, add(r, e, make_like(r, e, 1)), e);
    if (attr_int(n, "saturate", 1)) code = make2(r, OP_min, code, make_like(r, code, 254));
    code = make_cast(r, make3(r, OP_select, make2(r, OP_eq, e, top), top, code), FRIT_DT_U8);
    return make(r, OP_bitcast, 1, &code, &(attr_cast){.to = FRIT_DT_F8E8M0, .saturate = true});
}

void map_cast(reader *r, call *n) {
    attr_cast a = {.to = attr_dtype(r, n, "to", FRIT_DT_NONE), .saturate = attr_int(n, "saturate", 1) != 0};
    if (failed(r) || a.to == dtype_of(r, n->in[0]))
        n->out[0] = n->in[0];
    else if (a.to == FRIT_DT_F8E8M0)
        n->out[0] = cast_e8m0(r, n, n->in[0]);
    else
        n->out[0] = make(r, OP_cast, 1, n->in, &a);
}

void map_cast_like(reader *r, call *n) {
    attr_cast a = {.to = dtype_of(r, n->in[1]), .saturate = attr_int(n, "saturate", 1) != 0};
    n->out[0] = a.to == dtype_of(r, n->in[0]) ? n->in[0] : make(r, OP_cast, 1, n->in, &a);
}

void map_bit_cast(reader *r, call *n) {
    attr_cast a = {.to = attr_dtype(r, n, "to", FRIT_DT_NONE), .saturate = true};
    n->out[0] = a.to == dtype_of(r, n->in[0]) ? n->in[0] : make(r, OP_bitcast, 1, n->in, &a);
}

void map_gelu(reader *r, call *n) {
    static const char *const forms[] = {"none", "tanh", NULL};
    n->out[0] = make1(r, attr_choice(r, n, "approximate", "none", forms) ? OP_gelu_tanh : OP_gelu, n->in[0]);
}

void map_is_inf(reader *r, call *n) {
    bool low = attr_int(n, "detect_negative", 1), high = attr_int(n, "detect_positive", 1);
    value_id x = n->in[0];
    if (low && high)
        n->out[0] = make1(r, OP_isinf, x);
    else if (low || high)
        n->out[0] = make2(r, OP_eq, x, make_like(r, x, high ? INFINITY : -INFINITY));
    else
        n->out[0] = make2(r, OP_and, make1(r, OP_isinf, x), make_splat(r, FRIT_DT_BOOL, 0));
}

/* A slope of fewer axes than x broadcasts from the right; before opset 7, [C] meant one a channel. */
void map_prelu(reader *r, call *n) {
    value_id x = n->in[0], slope = n->in[1];
    uint32_t rank = rank_of(r, x);
    if (n->version < 7 && rank_of(r, slope) == 1 && rank > 2) {
        dim shape[MAX_RANK];
        shape[0] = extent_of(r, slope, 0);
        for (uint32_t i = 1; i + 1 < rank; i++) shape[i] = dimi(r, 1);
        slope = make_reshape(r, slope, rank - 1, shape);
    }
    n->out[0] = make2(r, OP_prelu, x, slope);
}

/* Inference: the operand itself and a mask of ones. Training mode draws random numbers, which has no one right answer.
 */
void map_dropout(reader *r, call *n) {
    int_list training;
    f64_list ratio;
    bool trains = false;
    if (n->version >= 12 && has_in(n, 2)) {
        if (!want_ints(r, n, 2, &training)) return;
        trains = training.n == 1 && training.at[0] != 0;
        if (trains && has_in(n, 1)) { /* a ratio of zero drops nothing */
            if (!want_floats(r, n, 1, &ratio)) return;
            trains = ratio.n != 1 || ratio.at[0] != 0;
        }
    } else if (n->version < 7)
        trains = !attr_int(n, "is_test", 0);
    if (trains) {
        fail_node(r, FRIT_UNSUPPORTED, "dropout in training mode");
        return;
    }
    n->out[0] = n->in[0];
    dtype mask = n->version < 10 ? dtype_of(r, n->in[0]) : FRIT_DT_BOOL;
    if (n->n_out > 1) n->out[1] = make_same_shape(r, make_splat(r, mask, 1), n->in[0]);
}

/* x with an element of 0 behind an axis that may have none, so that there always is a first maximum. */
static value_id at_least_one(reader *r, value_id x, int64_t axis) {
    tensor_type t = *type_of(r, x);
    dim zero = dimi(r, 0), one = dimi(r, 1), lo[MAX_RANK], hi[MAX_RANK];
    if (x == VALUE_NONE || t.rank == 0 || dim_le(r->dims, one, t.shape[axis])) return x;
    for (uint32_t i = 0; i < t.rank; i++) lo[i] = hi[i] = zero;
    hi[axis] = dim_max(r->dims, zero, dim_sub(r->dims, one, t.shape[axis]));
    return make(r, OP_pad, 1, &x, &(attr_pad){.lo = {t.rank, lo}, .hi = {t.rank, hi}});
}

/* One hot along axis at the first maximum. */
void map_hardmax(reader *r, call *n) {
    value_id x = n->in[0];
    int64_t axis = attr_int(n, "axis", n->version < 13 ? 1 : -1);
    tensor_type t = *type_of(r, x);
    if (x == VALUE_NONE || (t.rank && !norm_axis(r, &axis, t.rank))) return;
    value_id flat = n->version < 13 ? make_flat2d(r, x, axis) : x;
    if (n->version < 13) axis = 1;
    value_id best = make_unsqueeze(r, make_reduce1(r, RK_argmax, at_least_one(r, flat, axis), axis, false), axis);
    value_id places = make_iota_nd(r, FRIT_DT_I64, rank_of(r, flat), type_of(r, flat)->shape, axis);
    n->out[0] = make_reshape(r, make_cast(r, make2(r, OP_eq, places, best), t.dt), t.rank, t.shape);
}

/* x as two axes: those before `axis` and the rest, as softmax before opset 13 sees it. */
value_id make_flat2d(reader *r, value_id x, int64_t axis) {
    tensor_type t = *type_of(r, x);
    if (x == VALUE_NONE || axis > (int64_t)t.rank) return VALUE_NONE;
    dim shape[2] = {dim_product(r->dims, (uint32_t)axis, t.shape),
                    dim_product(r->dims, t.rank - (uint32_t)axis, t.shape + axis)};
    return make_reshape(r, x, 2, shape);
}

void map_softmax(reader *r, call *n) {
    value_id x = n->in[0];
    int64_t axis = attr_int(n, "axis", n->version < 13 ? 1 : -1);
    tensor_type t = *type_of(r, x);
    if (x == VALUE_NONE || !norm_axis(r, &axis, t.rank)) return;
    value_id flat = x;
    if (n->version < 13) flat = make_flat2d(r, x, axis), axis = 1;
    n->out[0] = make_reshape(r, make(r, n->row->op, 1, &flat, &(attr_axis){.axis = axis}), t.rank, t.shape);
}

/* Binarizer of ai.onnx.ml: 1 above the threshold, else 0. */
void map_binarizer(reader *r, call *n) {
    value_id x = n->in[0];
    n->out[0] = make_cast(r, make2(r, OP_gt, x, make_like(r, x, attr_float(n, "threshold", 0))), dtype_of(r, x));
}
