/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Quantised operators of the domain com.microsoft: integers with scales and zero points beside them. What they compute
 * is written out (numbers, plain operator, rounding), and fusion makes one kernel of it; products stay in integers. */
#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

static const int64_t whole[2] = {0, 0}; /* one scale for a tensor */

/* Operand i, whose scale and zero point follow it, as f32. */
static value_id number(reader *r, const call *n, uint32_t i) {
    return dequantised(r, n->in[i], n->in[i + 1], n->in[i + 2], whole);
}

/* y as integers of x's type by the scale and zero point at operand i. */
static value_id integer(reader *r, const call *n, value_id y, uint32_t i, value_id x) {
    value_id zero = n->in[i + 1] == VALUE_NONE ? VALUE_NONE : make_reshape(r, n->in[i + 1], 0, NULL);
    return quantised(r, quotient(r, y, make_reshape(r, n->in[i], 0, NULL)), zero, dtype_of(r, x), true);
}

void map_qlinear_binary(reader *r, call *n) {
    n->out[0] = integer(r, n, make2(r, n->row->op, number(r, n, 0), number(r, n, 3)), 6, n->in[0]);
}

void map_qlinear_sigmoid(reader *r, call *n) {
    n->out[0] = integer(r, n, make1(r, OP_sigmoid, number(r, n, 0)), 3, n->in[0]);
}

void map_qlinear_leaky_relu(reader *r, call *n) {
    value_id x = number(r, n, 0);
    value_id y = make(r, OP_leaky_relu, 1, &x, &(attr_alpha){.alpha = attr_float(n, "alpha", 0.01)});
    n->out[0] = integer(r, n, y, 3, n->in[0]);
}

/* Over one axis, or before opset 13 over all from it on. */
void map_qlinear_softmax(reader *r, call *n) {
    value_id x = number(r, n, 0);
    int64_t axis = attr_int(n, "axis", -1);
    tensor_type t = *type_of(r, x);
    if (x == VALUE_NONE || !norm_axis(r, &axis, t.rank)) return;
    if (attr_int(n, "opset", 13) < 13) x = make_flat2d(r, x, axis), axis = 1;
    value_id y = make(r, OP_softmax, 1, &x, &(attr_axis){.axis = axis});
    n->out[0] = integer(r, n, make_reshape(r, y, t.rank, t.shape), 3, n->in[0]);
}

static void refuse_channels_last(reader *r, const call *n) {
    if (attr_int(n, "channels_last", 0)) fail_node(r, FRIT_UNSUPPORTED, "channels last");
}

void map_qlinear_average_pool(reader *r, call *n) {
    refuse_channels_last(r, n);
    value_id x[16] = {number(r, n, 0)};
    call plain = *n;
    plain.in = x;
    if (failed(r)) return;
    map_pool(r, &plain);
    n->out[0] = integer(r, n, plain.out[0], 3, n->in[0]);
}

void map_qlinear_global_average_pool(reader *r, call *n) {
    refuse_channels_last(r, n);
    value_id x[16] = {number(r, n, 0)};
    call plain = *n;
    plain.in = x;
    if (failed(r)) return;
    map_global_average_pool(r, &plain);
    n->out[0] = integer(r, n, plain.out[0], 3, n->in[0]);
}

/* Y's scale and zero point, then tensor, scale and zero point of each part. */
void map_qlinear_concat(reader *r, call *n) {
    uint32_t count = n->n_in > 2 ? (n->n_in - 2) / 3 : 0;
    if (count == 0 || n->n_in != 2 + 3 * count) {
        fail_node(r, FRIT_FORMAT, "operands do not come in threes");
        return;
    }
    value_id *parts = ARENA_ARRAY(r->c->job, value_id, count);
    for (uint32_t i = 0; i < count; i++) parts[i] = number(r, n, 2 + 3 * i);
    n->out[0] = integer(r, n, make_concat(r, attr_int(n, "axis", 0), count, parts), 0, n->in[2]);
}

void map_qlinear_where(reader *r, call *n) {
    value_id y = make3(r, OP_select, n->in[0], number(r, n, 1), number(r, n, 4));
    n->out[0] = integer(r, n, y, 7, n->in[1]);
}

/* --- products --- */

/* (a - its zero) (b - its zero) scale + bias in f32; columns of b may have scales and zero points of their own. */
static value_id scaled_product(reader *r, const value_id ab[2], const value_id zeros[2], value_id scale,
                               value_id bias) {
    value_id product = make2(r, OP_matmul, centred(r, ab[0], zeros[0], true), centred(r, ab[1], zeros[1], false));
    value_id y = mul(r, make_cast(r, product, FRIT_DT_F32), scale);
    return bias == VALUE_NONE ? y : add(r, y, bias);
}

static value_id scalar_or_columns(reader *r, value_id p) {
    return p != VALUE_NONE && rank_of(r, p) == 1 && extent_of(r, p, 0) == dimi(r, 1) ? make_reshape(r, p, 0, NULL) : p;
}

void map_dynamic_quantize_matmul(reader *r, call *n) {
    value_id scale, ab[2] = {VALUE_NONE, n->in[1]}, zeros[2] = {VALUE_NONE, n->in[3]};
    ab[0] = quantised_dynamically(r, n->in[0], &scale, &zeros[0]);
    n->out[0] = scaled_product(r, ab, zeros, mul(r, scale, scalar_or_columns(r, n->in[2])), n->in[4]);
}

void map_matmul_integer_to_float(reader *r, call *n) {
    value_id zeros[2] = {n->in[4], n->in[5]};
    value_id scale = mul(r, scalar_or_columns(r, n->in[2]), scalar_or_columns(r, n->in[3]));
    n->out[0] = scaled_product(r, n->in, zeros, scale, n->in[6]);
}

/* Gemm over integers; C is an integer at the scale of the product. Without y_scale the result is f32. */
void map_qgemm(reader *r, call *n) {
    value_id ab[2] = {n->in[0], n->in[3]}, c = n->in[6];
    if (attr_int(n, "transA", 0)) ab[0] = make_swap(r, ab[0], 0, 1);
    if (attr_int(n, "transB", 0)) ab[1] = make_swap(r, ab[1], 0, 1);
    value_id product = make2(r, OP_matmul, centred(r, ab[0], n->in[2], true), centred(r, ab[1], n->in[5], false));
    value_id scale = mul(r, make_reshape(r, n->in[1], 0, NULL), scalar_or_columns(r, n->in[4]));
    double alpha = attr_float(n, "alpha", 1);
    if (alpha != 1) scale = mul(r, scale, make_like(r, scale, alpha));
    if (c != VALUE_NONE) product = add(r, product, c);
    value_id y = mul(r, make_cast(r, product, FRIT_DT_F32), scale);
    n->out[0] = has_in(n, 7) ? integer(r, n, y, 7, has_in(n, 8) ? n->in[8] : n->in[0]) : y;
}

/* --- weights of few bits --- */

/* A constant of bytes [.., n], or a reshape of one, as u4[.., 2 n]: the same memory. VALUE_NONE: x is none. */
static value_id constant_halves(reader *r, value_id x) {
    const node *n = graph_def(r->g, x);
    const const_data *d = graph_const(r->g, n && n->op == OP_reshape ? n->in[0] : x);
    uint32_t rank = rank_of(r, x);
    if (!d || d->kind != CONST_DENSE || d->dt != FRIT_DT_U8 || rank == 0) return VALUE_NONE;
    const_data halves = *d;
    int64_t *at = ARENA_ARRAY(r->c->job, int64_t, rank);
    for (uint32_t i = 0; i < rank; i++)
        if (!dim_is_const(r->dims, extent_of(r, x, i), &at[i])) return VALUE_NONE;
    at[rank - 1] *= 2;
    halves.dt = FRIT_DT_U4;
    halves.dims = (int_list){rank, at};
    value_id y = VALUE_NONE;
    return graph_const_bytes(r->c, r->g, &halves, &y) == FRIT_OK ? y : VALUE_NONE;
}

/* Bytes [.., n] as the integers of `bits` bits in them, low ones first: [.., n * 8 / bits]. Constants of 4 bits are
 * only renamed. */
static value_id unpacked_bits(reader *r, value_id x, int64_t bits) {
    uint32_t rank = rank_of(r, x);
    int64_t per_byte = 8 / bits;
    if (x == VALUE_NONE || bits == 8) return x;
    value_id halves = bits == 4 ? constant_halves(r, x) : VALUE_NONE;
    if (halves != VALUE_NONE) return halves;
    value_id parts[8];
    for (int64_t i = 0; i < per_byte; i++) {
        value_id moved = make2(r, OP_shr, x, make_like(r, x, (double)(i * bits)));
        parts[i] = make_unsqueeze(r, make2(r, OP_and, moved, make_like(r, x, (double)((1 << bits) - 1))), rank);
    }
    dim shape[MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) shape[i] = extent_of(r, x, i);
    shape[rank - 1] = dim_mul(r->dims, shape[rank - 1], dimi(r, per_byte));
    return make_reshape(r, make_concat(r, rank, (uint32_t)per_byte, parts), rank, shape);
}

/* Zero points [N, blocks] as numbers of dt: packed like the weights, given as numbers, or the middle of the range. */
static value_id block_zeros(reader *r, value_id zeros, int64_t bits, const dim shape[2], dtype dt) {
    if (zeros == VALUE_NONE) return make_splat(r, dt, (double)(1 << (bits - 1)));
    if (dtype_of(r, zeros) != FRIT_DT_U8) return make_cast(r, make_reshape(r, zeros, 2, shape), dt);
    dim bytes = dim_ceildiv(r->dims, dim_mul(r->dims, shape[1], dimi(r, bits)), dimi(r, 8));
    value_id all = unpacked_bits(r, make_reshape(r, zeros, 2, (dim[]){shape[0], bytes}), bits);
    return make_cast(r, make_slice(r, all, 1, dimi(r, 0), shape[1], 1), dt);
}

/* A by weights [N, blocks, bytes] whose blocks of K each have a scale. */
void map_matmul_nbits(reader *r, call *n) {
    int64_t k = attr_int(n, "K", 0), rows = attr_int(n, "N", 0), bits = attr_int(n, "bits", 4);
    int64_t block = attr_int(n, "block_size", 0);
    bool fits = k > 0 && rows > 0 && block > 0 && (bits == 2 || bits == 4 || bits == 8);
    if (!fits) fail_node(r, FRIT_FORMAT, "K, N, bits or block_size");
    if (has_in(n, 4)) fail_node(r, FRIT_UNSUPPORTED, "rows in an order of their own");
    if (attr_int(n, "weight_prepacked", 0)) fail_node(r, FRIT_UNSUPPORTED, "weights packed for another device");
    if (failed(r)) return;
    int64_t blocks = (k + block - 1) / block;
    dtype dt = dtype_of(r, n->in[0]);
    dim rows_blocks[2] = {dimi(r, rows), dimi(r, blocks)}, flat[2] = {dimi(r, rows), dimi(r, blocks * block)};
    dim packed[3] = {rows_blocks[0], rows_blocks[1], dimi(r, block * bits / 8)};
    value_id q = unpacked_bits(r, make_reshape(r, n->in[1], 3, packed), bits);
    value_id zeros = block_zeros(r, n->in[3], bits, rows_blocks, dt);
    if (rank_of(r, zeros) == 2) zeros = make_unsqueeze(r, zeros, 2);
    value_id scales = make_unsqueeze(r, make_reshape(r, n->in[2], 2, rows_blocks), 2);
    value_id w = make_reshape(r, mul(r, sub(r, make_cast(r, q, dt), zeros), make_cast(r, scales, dt)), 2, flat);
    value_id y = make2(r, OP_matmul, n->in[0], make_swap(r, make_slice(r, w, 1, dimi(r, 0), dimi(r, k), 1), 0, 1));
    n->out[0] = has_in(n, 5) ? add(r, y, n->in[5]) : y;
}

/* Rows of a table of few bits, looked up first and then made numbers. Blocks lie along the last axis. */
void map_gather_block_quantized(reader *r, call *n) {
    value_id table = n->in[0], scales = n->in[2], zeros = n->in[3];
    int64_t axis = attr_int(n, "quantize_axis", 1), from = attr_int(n, "gather_axis", 0), bits = attr_int(n, "bits", 4);
    int64_t block = attr_int(n, "block_size", 128);
    uint32_t rank = rank_of(r, table);
    if (table == VALUE_NONE || !norm_axis(r, &axis, rank) || !norm_axis(r, &from, rank)) return;
    if (from != 0 || axis != (int64_t)rank - 1 || block < 1 || (bits != 2 && bits != 4 && bits != 8))
        fail_node(r, FRIT_UNSUPPORTED, "other than rows of blocks along the last axis");
    if (failed(r)) return;
    bool is_bytes = dtype_of(r, table) == FRIT_DT_U8;
    if (is_bytes) table = unpacked_bits(r, table, bits);
    if (is_bytes && zeros != VALUE_NONE) {
        dim needed = extent_of(r, scales, -1);
        zeros = make_slice(r, unpacked_bits(r, zeros, bits), -1, dimi(r, 0), needed, 1);
    }
    dtype dt = dtype_of(r, scales);
    value_id q = make_gather(r, 0, table, n->in[1]), scale = make_gather(r, 0, scales, n->in[1]);
    value_id zero = VALUE_NONE;
    if (zeros != VALUE_NONE)
        zero = make_gather(r, 0, zeros, n->in[1]);
    else if (is_bytes)
        zero = make_splat(r, FRIT_DT_U8, (double)(1 << (bits - 1)));
    n->out[0] = make_cast(r, dequantised(r, q, scale, zero, (int64_t[]){-1, block}), dt);
}
