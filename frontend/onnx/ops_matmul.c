/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Products, and quantised forms of them as plain arithmetic. */
#include <math.h>

#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

void map_gemm(reader *r, call *n) {
    value_id a = n->in[0], b = n->in[1];
    if (attr_int(n, "transA", 0)) a = make_swap(r, a, 0, 1);
    if (attr_int(n, "transB", 0)) b = make_swap(r, b, 0, 1);
    double alpha = attr_float(n, "alpha", 1), beta = attr_float(n, "beta", 1);
    value_id y = make2(r, OP_matmul, a, b);
    if (alpha != 1) y = mul(r, y, make_like(r, y, alpha));
    value_id c = n->in[2];
    if (c != VALUE_NONE && beta != 0) y = add(r, y, make_fit(r, beta == 1 ? c : mul(r, c, make_like(r, c, beta)), y));
    n->out[0] = y;
}

void map_einsum(reader *r, call *n) {
    n->out[0] = make(r, OP_einsum, n->n_in, n->in, &(attr_einsum){.equation = attr_text(n, "equation", "")});
}

/* --- quantisation --- */

value_id spread(reader *r, value_id p, value_id x, int64_t axis, int64_t block) {
    uint32_t rank = rank_of(r, x), have = rank_of(r, p);
    if (p == VALUE_NONE || have == 0) return p;
    dim shape[MAX_RANK];
    if (have == 1 && (rank != 1 || block == 0)) {
        if (extent_of(r, p, 0) == dimi(r, 1)) return make_reshape(r, p, 0, NULL);
        if (!norm_axis(r, &axis, rank)) return VALUE_NONE;
        for (uint32_t i = 0; i < rank; i++) shape[i] = i == (uint32_t)axis ? extent_of(r, p, 0) : dimi(r, 1);
        return make_reshape(r, p, rank, shape);
    }
    if (block == 0 || have != rank) return p;
    if (!norm_axis(r, &axis, rank)) return VALUE_NONE;
    dim wide[MAX_RANK + 1];
    value_id y = make_unsqueeze(r, p, axis + 1);
    for (uint32_t i = 0; i <= rank; i++) wide[i] = i == (uint32_t)axis + 1 ? dimi(r, block) : extent_of(r, y, i);
    for (uint32_t i = 0; i < rank; i++) shape[i] = extent_of(r, p, i);
    shape[axis] = dim_mul(r->dims, shape[axis], dimi(r, block));
    y = make_reshape(r, make_broadcast(r, y, rank + 1, wide), rank, shape);
    return make_slice(r, y, axis, dimi(r, 0), extent_of(r, x, axis), 1);
}

value_id quantised(reader *r, value_id scaled, value_id zero, dtype dt, bool saturate) {
    if (scaled == VALUE_NONE) return scaled;
    if (dtype_is_float(dt)) {
        if (zero != VALUE_NONE) scaled = add(r, scaled, make_cast(r, zero, dtype_of(r, scaled)));
        return make(r, OP_cast, 1, &scaled, &(attr_cast){.to = dt, .saturate = saturate});
    }
    unsigned bits = dtype_bits(dt);
    bool is_signed = dtype_kind_of(dt) == DTYPE_INT;
    double top = ldexp(1, (int)bits - is_signed) - 1, bottom = is_signed ? -ldexp(1, (int)bits - 1) : 0;
    value_id y = make1(r, OP_round, scaled);
    if (zero != VALUE_NONE) y = add(r, y, make_cast(r, zero, dtype_of(r, y)));
    return make_cast(r, make_clamp(r, y, bottom, top), dt);
}

dtype wide_of(const reader *r, value_id x) { return dtype_of(r, x) == FRIT_DT_F64 ? FRIT_DT_F64 : FRIT_DT_F32; }

void map_quantize_linear(reader *r, call *n) {
    value_id x = n->in[0], scale = n->in[1], zero = n->in[2];
    if (x == VALUE_NONE || scale == VALUE_NONE) return;
    int64_t axis = attr_int(n, "axis", 1), block = attr_int(n, "block_size", 0);
    dtype dt = attr_dtype(r, n, "output_dtype", zero == VALUE_NONE ? FRIT_DT_U8 : dtype_of(r, zero));
    dtype wide = wide_of(r, x);
    value_id scaled = quotient(r, make_cast(r, x, wide), spread(r, make_cast(r, scale, wide), x, axis, block));
    n->out[0] = quantised(r, scaled, spread(r, zero, x, axis, block), dt, attr_int(n, "saturate", 1) != 0);
}

value_id dequantised(reader *r, value_id x, value_id scale, value_id zero, const int64_t axis_block[2]) {
    if (x == VALUE_NONE || scale == VALUE_NONE) return VALUE_NONE;
    dtype wide = wide_of(r, scale);
    int64_t axis = axis_block[0], block = axis_block[1];
    value_id y = make_cast(r, x, wide);
    if (zero != VALUE_NONE) y = sub(r, y, make_cast(r, spread(r, zero, x, axis, block), wide));
    return mul(r, y, spread(r, make_cast(r, scale, wide), x, axis, block));
}

void map_dequantize_linear(reader *r, call *n) {
    int64_t axis_block[2] = {attr_int(n, "axis", 1), attr_int(n, "block_size", 0)};
    dtype to = attr_dtype(r, n, "output_dtype", dtype_of(r, n->in[1]));
    n->out[0] = make_cast(r, dequantised(r, n->in[0], n->in[1], n->in[2], axis_block), to);
}

value_id quantised_dynamically(reader *r, value_id x, value_id *out_scale, value_id *out_zero) {
    int64_t axes[MAX_RANK];
    uint32_t rank = rank_of(r, x);
    for (uint32_t i = 0; i < rank; i++) axes[i] = i;
    value_id zero = make_like(r, x, 0), levels = make_like(r, x, 255);
    value_id lo = make2(r, OP_min, make_reduce(r, RK_min, x, rank, axes, false), zero);
    value_id hi = make2(r, OP_max, make_reduce(r, RK_max, x, rank, axes, false), zero);
    value_id scale = quotient(r, sub(r, hi, lo), levels);
    scale = make3(r, OP_select, make2(r, OP_eq, scale, zero), make_like(r, x, 1), scale);
    value_id point = make1(r, OP_round, make_clamp(r, quotient(r, sub(r, zero, lo), scale), 0, 255));
    *out_scale = scale;
    *out_zero = make_cast(r, point, FRIT_DT_U8);
    return quantised(r, quotient(r, x, scale), point, FRIT_DT_U8, true);
}

void map_dynamic_quantize_linear(reader *r, call *n) {
    n->out[0] = quantised_dynamically(r, n->in[0], &n->out[1], &n->out[2]);
}

value_id centred(reader *r, value_id x, value_id zero, bool rows) {
    value_id y = make_cast(r, x, FRIT_DT_I32), z = make_cast(r, zero, FRIT_DT_I32);
    if (z == VALUE_NONE) return y;
    if (rank_of(r, z) == 1 && extent_of(r, z, 0) == dimi(r, 1))
        z = make_reshape(r, z, 0, NULL);
    else if (rank_of(r, z) == 1 && rows)
        z = make_unsqueeze(r, z, 1);
    return sub(r, y, z);
}

void map_matmul_integer(reader *r, call *n) {
    n->out[0] = make2(r, OP_matmul, centred(r, n->in[0], n->in[2], true), centred(r, n->in[1], n->in[3], false));
}

void map_qlinear_matmul(reader *r, call *n) {
    value_id a = n->in[0], a_scale = n->in[1], b = n->in[3], b_scale = n->in[4], y_scale = n->in[6], y_zero = n->in[7];
    if (y_zero == VALUE_NONE || a_scale == VALUE_NONE) return;
    value_id product = make2(r, OP_matmul, centred(r, a, n->in[2], true), centred(r, b, n->in[5], false));
    if (rank_of(r, a_scale) == 1 && extent_of(r, a_scale, 0) != dimi(r, 1)) a_scale = make_unsqueeze(r, a_scale, 1);
    value_id scale = quotient(r, mul(r, make_cast(r, a_scale, FRIT_DT_F32), make_cast(r, b_scale, FRIT_DT_F32)),
                              make_cast(r, y_scale, FRIT_DT_F32));
    value_id scaled = mul(r, make_cast(r, product, FRIT_DT_F32), scale);
    n->out[0] = quantised(r, scaled, y_zero, dtype_of(r, y_zero), true);
    if (n->out[0] != VALUE_NONE && rank_of(r, n->out[0]) > rank_of(r, product))
        n->out[0] = make_same_shape(r, n->out[0], product);
}

/* Convolution of integers; padding counts as the zero point, that is as 0 once it is taken off. */
static value_id integer_conv(reader *r, call *n, value_id x, value_id x_zero, value_id w, value_id w_zero) {
    window_call k;
    value_id wz = make_cast(r, w_zero, FRIT_DT_I32), y = make_cast(r, w, FRIT_DT_I32);
    if (wz != VALUE_NONE && rank_of(r, wz) == 1 && extent_of(r, wz, 0) != dimi(r, 1)) {
        dim shape[MAX_RANK];
        for (uint32_t i = 0; i < rank_of(r, w); i++) shape[i] = i ? dimi(r, 1) : extent_of(r, wz, 0);
        wz = make_reshape(r, wz, rank_of(r, w), shape);
    } else if (wz != VALUE_NONE)
        wz = make_reshape(r, wz, 0, NULL);
    if (wz != VALUE_NONE) y = sub(r, y, wz);
    value_id in[2] = {make_cast(r, x, FRIT_DT_I32), y};
    if (x_zero != VALUE_NONE) in[0] = sub(r, in[0], make_reshape(r, make_cast(r, x_zero, FRIT_DT_I32), 0, NULL));
    if (!window_of(r, n, x, w, &k)) return VALUE_NONE;
    attr_conv a = {.strides = {k.n, k.strides},
                   .pads = {2 * k.n, k.pads},
                   .dilations = {k.n, k.dilations},
                   .groups = attr_int(n, "group", 1)};
    return make(r, OP_conv, 2, in, &a);
}

void map_conv_integer(reader *r, call *n) { n->out[0] = integer_conv(r, n, n->in[0], n->in[2], n->in[1], n->in[3]); }

/* A [O] parameter against [N, O, ..]; a single one as a scalar. */
static value_id per_output(reader *r, value_id p, value_id y) {
    dim shape[MAX_RANK];
    uint32_t rank = rank_of(r, y);
    if (p == VALUE_NONE || y == VALUE_NONE || rank_of(r, p) == 0) return p;
    if (extent_of(r, p, 0) == dimi(r, 1)) return make_reshape(r, p, 0, NULL);
    for (uint32_t i = 1; i < rank; i++) shape[i - 1] = i == 1 ? extent_of(r, p, 0) : dimi(r, 1);
    return make_reshape(r, p, rank - 1, shape);
}

void map_qlinear_conv(reader *r, call *n) {
    value_id y = integer_conv(r, n, n->in[0], n->in[2], n->in[3], n->in[5]), zero = n->in[7];
    if (y == VALUE_NONE || zero == VALUE_NONE) return;
    if (has_in(n, 8)) y = add(r, y, per_output(r, n->in[8], y));
    value_id scale =
        quotient(r, mul(r, make_reshape(r, n->in[1], 0, NULL), n->in[4]), make_reshape(r, n->in[6], 0, NULL));
    value_id scaled = mul(r, make_cast(r, y, FRIT_DT_F32), per_output(r, scale, y));
    n->out[0] = quantised(r, scaled, make_reshape(r, zero, 0, NULL), dtype_of(r, zero), true);
}

#define MAX_DET 5 /* the expansion below takes n! products */

/* Determinant of the rows from `row` on and the columns in the set, by expansion along the first row. */
static value_id minor_of(reader *r, value_id x, int64_t n, int64_t row, uint32_t columns) {
    value_id sum = VALUE_NONE;
    bool minus = false;
    for (int64_t c = 0; c < n; c++) {
        if (!(columns >> c & 1)) continue;
        value_id line = make_squeeze(r, make_slice(r, x, -2, dimi(r, row), dimi(r, 1), 1), -2);
        value_id part = make_squeeze(r, make_slice(r, line, -1, dimi(r, c), dimi(r, 1), 1), -1);
        if (row + 1 < n) part = mul(r, part, minor_of(r, x, n, row + 1, columns & ~(1u << c)));
        sum = sum == VALUE_NONE ? part : make2(r, minus ? OP_sub : OP_add, sum, part);
        minus = !minus;
    }
    return sum;
}

void map_det(reader *r, call *n) {
    int64_t rows, columns;
    value_id x = n->in[0];
    bool known_size = rank_of(r, x) >= 2 && dim_is_const(r->dims, extent_of(r, x, -1), &columns) &&
                      dim_is_const(r->dims, extent_of(r, x, -2), &rows);
    if (!known_size || rows != columns || rows < 1 || rows > MAX_DET)
        fail_node(r, FRIT_UNSUPPORTED, "needs square matrices of at most %d rows", MAX_DET);
    else
        n->out[0] = minor_of(r, x, rows, 0, (1u << rows) - 1);
}
