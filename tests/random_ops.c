/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One maker for each kind of operator: picks operands and attributes that inference is likely to accept. */
#include <string.h>

#include "tests/random_graph.h"

typedef bool maker(random_graph *r, op_code op);

static const tensor_type *type_of(random_graph *r, value_id v) { return graph_type(r->g, v); }
static dim number(random_graph *r, int64_t v) { return dim_const(r->g->dims, v); }
static int64_t lowest(random_graph *r, dim d) {
    int64_t lo, hi;
    dim_bounds(r->g->dims, d, &lo, &hi);
    return lo;
}
static int64_t axis_of(random_graph *r, value_id v) {
    uint32_t rank = type_of(r, v)->rank;
    return rank ? (int64_t)random_below(r, rank) - (random_chance(r, 30) ? rank : 0) : 0;
}
static uint32_t positive(int64_t axis, uint32_t rank) { return (uint32_t)(axis < 0 ? axis + rank : axis); }
static dim_list dims_of(random_graph *r, uint32_t n, const dim *d) { return dim_list_of(r->g->a, n, d); }
static int_list ints_of(random_graph *r, uint32_t n, const int64_t *v) { return int_list_of(r->g->a, n, v); }

/* An operand for x: a pool value of its dtype, or a new one whose shape broadcasts with x's. */
static value_id partner(random_graph *r, value_id x) {
    tensor_type t = *type_of(r, x);
    for (int tries = 0; tries < 3; tries++) {
        value_id y = random_pick(r, RANDOM_ANY, 0);
        if (y != VALUE_NONE && type_of(r, y)->dt == t.dt) return y;
    }
    dim shape[MAX_RANK];
    uint32_t skip = random_below(r, t.rank + 1);
    for (uint32_t i = skip; i < t.rank; i++) shape[i - skip] = random_chance(r, 20) ? number(r, 1) : t.shape[i];
    return random_fresh(r, t.dt, t.rank - skip, shape);
}

/* ---- elementwise */

static random_class class_of(op_code op) {
    if (op_is(op, OPF_FLT)) return RANDOM_FLOAT;
    if (op_is(op, OPF_INTG)) return RANDOM_INT;
    return op_is(op, OPF_LOGIC) ? RANDOM_LOGIC : RANDOM_NUMBER;
}

static void *random_reals(random_graph *r, op_code op) {
    char *attrs = attrs_new(r->g->a, op);
    const attr_type *t = op_info_of(op)->attrs;
    for (uint32_t i = 0; i < t->n_fields; i++)
        if (t->fields[i].kind == FK_F64) *(double *)(attrs + t->fields[i].offset) = random_between(r, 0.1, 1.5);
    return attrs;
}

static bool make_elementwise(random_graph *r, op_code op) {
    value_id in[3];
    uint32_t n = op_info_of(op)->n_in_max;
    in[0] = random_pick(r, class_of(op), 0);
    if (in[0] == VALUE_NONE) return false;
    for (uint32_t i = 1; i < n; i++) in[i] = partner(r, in[0]);
    return random_add(r, op, n, in, random_reals(r, op));
}

static bool make_select(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_ANY, 0), condition = random_pick(r, RANDOM_BOOL, 0);
    if (x == VALUE_NONE) return false;
    if (condition == VALUE_NONE) condition = random_fresh(r, FRIT_DT_BOOL, type_of(r, x)->rank, type_of(r, x)->shape);
    return random_add(r, op, 3, (value_id[]){condition, x, partner(r, x)}, NULL);
}

static bool make_cast(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_ANY, 0);
    attr_cast a = {.to = random_dtype(r, RANDOM_ANY), .saturate = true};
    return random_add(r, op, 1, &x, &a);
}

/* ---- views */

static bool make_reshape(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_ANY, 1);
    if (x == VALUE_NONE) return false;
    const tensor_type *t = type_of(r, x);
    dim shape[MAX_RANK];
    uint32_t rank = 0;
    for (uint32_t i = 0; i < t->rank && rank + 2 < MAX_RANK; i++) {
        int64_t extent;
        bool is_even = dim_is_const(r->g->dims, t->shape[i], &extent) && extent > 2 && extent % 2 == 0;
        if (rank && random_chance(r, 35)) {
            shape[rank - 1] = dim_mul(r->g->dims, shape[rank - 1], t->shape[i]);
        } else if (is_even && random_chance(r, 40)) {
            shape[rank++] = number(r, random_chance(r, 50) ? 2 : extent / 2);
            shape[rank] = number(r, extent / lowest(r, shape[rank - 1]));
            rank++;
        } else {
            shape[rank++] = t->shape[i];
        }
        if (random_chance(r, 10)) shape[rank++] = number(r, 1);
    }
    attr_dims a = {.dims = dims_of(r, rank, shape)};
    return random_add(r, op, 1, &x, &a);
}

static bool make_transpose(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_ANY, 2);
    if (x == VALUE_NONE) return false;
    uint32_t rank = type_of(r, x)->rank;
    int64_t perm[MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) perm[i] = i;
    for (uint32_t i = rank; i-- > 1;) {
        uint32_t k = random_below(r, i + 1);
        int64_t swap = perm[i];
        perm[i] = perm[k];
        perm[k] = swap;
    }
    attr_perm a = {.perm = ints_of(r, rank, perm)};
    return random_add(r, op, 1, &x, &a);
}

static bool make_broadcast(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_ANY, 0);
    if (x == VALUE_NONE) return false;
    const tensor_type *t = type_of(r, x);
    dim shape[MAX_RANK];
    uint32_t lead = random_below(r, 2), rank = lead + t->rank;
    if (rank > 5) return false;
    for (uint32_t i = 0; i < rank; i++) shape[i] = random_chance(r, 50) ? r->syms[i % RANDOM_SYMS] : number(r, 3);
    for (uint32_t i = 0; i < t->rank; i++)
        if (!dim_equal(r->g->dims, t->shape[i], number(r, 1))) shape[lead + i] = t->shape[i];
    attr_dims a = {.dims = dims_of(r, rank, shape)};
    return random_add(r, op, 1, &x, &a);
}

/* Start, size and step of one axis: all of it, without its ends, every other element, or backwards. */
static void slice_axis(random_graph *r, dim extent, dim *start, dim *size, int64_t *step) {
    dim_table *t = r->g->dims;
    dim last = dim_sub(t, extent, number(r, 1));
    bool has_two = lowest(r, extent) >= 2;
    *start = number(r, 0), *size = extent, *step = 1;
    switch (random_below(r, has_two ? 6 : 2)) {
    case 1:
        *start = last, *step = -1;
        return;
    case 2:
        *start = number(r, 1), *size = last;
        return;
    case 3:
        *size = last;
        return;
    case 4:
        *step = 2, *size = dim_ceildiv(t, extent, number(r, 2));
        return;
    case 5:
        *start = last, *step = -2, *size = dim_ceildiv(t, extent, number(r, 2));
        return;
    default:
        return;
    }
}

static bool make_slice(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_ANY, 1);
    if (x == VALUE_NONE) return false;
    const tensor_type *t = type_of(r, x);
    dim starts[MAX_RANK], sizes[MAX_RANK];
    int64_t steps[MAX_RANK];
    for (uint32_t i = 0; i < t->rank; i++) slice_axis(r, t->shape[i], &starts[i], &sizes[i], &steps[i]);
    attr_slice a = {.starts = dims_of(r, t->rank, starts), .sizes = dims_of(r, t->rank, sizes)};
    a.steps = ints_of(r, t->rank, steps);
    return random_add(r, op, 1, &x, &a);
}

static bool make_pad(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_ANY, 1);
    if (x == VALUE_NONE) return false;
    const tensor_type *t = type_of(r, x);
    dim lo[MAX_RANK], hi[MAX_RANK];
    attr_pad a = {.mode = random_chance(r, 50) ? PM_constant : (pad_mode)random_below(r, PM_wrap + 1)};
    for (uint32_t i = 0; i < t->rank; i++) {
        bool may_crop = lowest(r, t->shape[i]) >= 3;
        lo[i] = number(r, (int64_t)random_below(r, 3) - may_crop);
        hi[i] = number(r, (int64_t)random_below(r, 3) - may_crop);
    }
    a.lo = dims_of(r, t->rank, lo);
    a.hi = dims_of(r, t->rank, hi);
    value_id in[2] = {x, VALUE_NONE};
    bool has_fill = random_chance(r, 40);
    if (has_fill) in[1] = random_fresh(r, t->dt, 0, NULL);
    return random_add(r, op, has_fill ? 2 : 1, in, &a);
}

static bool make_window(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_ANY, 1);
    if (x == VALUE_NONE) return false;
    int64_t axis = axis_of(r, x), size = 1 + random_below(r, 3), stride = 1 + random_below(r, 2);
    int64_t dilation = 1 + random_below(r, 2), pads[2] = {random_below(r, 2), random_below(r, 2)};
    attr_window a = {.axes = ints_of(r, 1, &axis), .sizes = ints_of(r, 1, &size), .strides = ints_of(r, 1, &stride)};
    a.dilations = ints_of(r, 1, &dilation);
    a.pads = ints_of(r, 2, pads);
    return random_add(r, op, 1, &x, &a);
}

static bool make_concat(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_ANY, 1), in[3];
    if (x == VALUE_NONE) return false;
    attr_axis a = {.axis = axis_of(r, x)};
    const tensor_type t = *type_of(r, x);
    uint32_t n = 2 + random_below(r, 2);
    for (uint32_t i = 0; i < n; i++) {
        value_id y = random_pick(r, RANDOM_ANY, 1);
        bool fits = y != VALUE_NONE && type_of(r, y)->dt == t.dt && type_of(r, y)->rank == t.rank;
        in[i] = i == 0 || random_chance(r, 30) || !fits ? x : y;
    }
    return random_add(r, op, n, in, &a);
}

/* ---- movement by data */

static bool make_gather(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_ANY, 1);
    if (x == VALUE_NONE) return false;
    attr_axis a = {.axis = axis_of(r, x)};
    const tensor_type *t = type_of(r, x);
    int64_t n = lowest(r, t->shape[positive(a.axis, t->rank)]), shape[2] = {2 + random_below(r, 4), 2};
    if (n < 1) return false;
    return random_add(r, op, 2, (value_id[]){x, random_indices(r, random_below(r, 3), shape, -n, n - 1)}, &a);
}

/* Shape of x with another extent along the axis; false unless constant. */
static bool const_shape(random_graph *r, value_id x, uint32_t axis, int64_t extent, int64_t *out) {
    const tensor_type *t = type_of(r, x);
    for (uint32_t i = 0; i < t->rank; i++) {
        out[i] = extent;
        if (i != axis && !dim_is_const(r->g->dims, t->shape[i], &out[i])) return false;
    }
    return true;
}

static bool make_gather_elements(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_ANY, 1);
    int64_t shape[MAX_RANK];
    if (x == VALUE_NONE) return false;
    attr_axis a = {.axis = axis_of(r, x)};
    const tensor_type *t = type_of(r, x);
    uint32_t axis = positive(a.axis, t->rank);
    int64_t n = lowest(r, t->shape[axis]);
    if (n < 1 || !const_shape(r, x, axis, 1 + random_below(r, 5), shape)) return false;
    return random_add(r, op, 2, (value_id[]){x, random_indices(r, t->rank, shape, -n, n - 1)}, &a);
}

static bool make_scatter_elements(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_NUMBER, 1);
    int64_t shape[MAX_RANK];
    dim dims[MAX_RANK];
    if (x == VALUE_NONE) return false;
    attr_scatter a = {.axis = axis_of(r, x), .mode = (scatter_mode)random_below(r, SM_max + 1)};
    const tensor_type t = *type_of(r, x);
    uint32_t axis = positive(a.axis, t.rank);
    int64_t n = lowest(r, t.shape[axis]);
    if (n < 1 || !const_shape(r, x, axis, 1 + random_below(r, 4), shape)) return false;
    for (uint32_t i = 0; i < t.rank; i++) dims[i] = number(r, shape[i]);
    value_id updates = random_fresh(r, t.dt, t.rank, dims);
    return random_add(r, op, 3, (value_id[]){x, random_indices(r, t.rank, shape, -n, n - 1), updates}, &a);
}

static bool make_scatter_nd(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_NUMBER, 1);
    dim dims[MAX_RANK];
    if (x == VALUE_NONE) return false;
    attr_scatter a = {.mode = (scatter_mode)random_below(r, SM_max + 1)};
    const tensor_type t = *type_of(r, x);
    int64_t n = lowest(r, t.shape[0]), shape[2] = {1 + random_below(r, 4), 1};
    if (n < 1) return false;
    memcpy(dims, t.shape, t.rank * sizeof *dims);
    dims[0] = number(r, shape[0]);
    value_id updates = random_fresh(r, t.dt, t.rank, dims);
    return random_add(r, op, 3, (value_id[]){x, random_indices(r, 2, shape, -n, n - 1), updates}, &a);
}

static bool make_topk(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_NUMBER, 1);
    if (x == VALUE_NONE) return false;
    attr_topk a = {.axis = axis_of(r, x), .largest = random_chance(r, 50)};
    const tensor_type *t = type_of(r, x);
    int64_t n = lowest(r, t->shape[positive(a.axis, t->rank)]);
    if (n < 1) return false;
    dim k = number(r, 1 + random_below(r, (uint32_t)(n < 6 ? n : 6)));
    a.k = dims_of(r, 1, &k);
    return random_add(r, op, 1, &x, &a);
}

static bool make_update(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_ANY, 1);
    dim starts[MAX_RANK], sizes[MAX_RANK];
    int64_t steps[MAX_RANK];
    if (x == VALUE_NONE) return false;
    const tensor_type t = *type_of(r, x);
    for (uint32_t i = 0; i < t.rank; i++) {
        slice_axis(r, t.shape[i], &starts[i], &sizes[i], &steps[i]);
        if (steps[i] != 1) starts[i] = number(r, 0), sizes[i] = number(r, 1);
    }
    attr_update a = {.starts = dims_of(r, t.rank, starts)};
    return random_add(r, op, 2, (value_id[]){x, random_fresh(r, t.dt, t.rank, sizes)}, &a);
}

/* ---- reductions and products */

/* Products of many elements overflow in one order and not in another. */
static bool is_short(random_graph *r, value_id x) {
    int64_t n;
    return dim_is_const(r->g->dims, graph_n_elements(r->g, x), &n) && n <= 64;
}

static bool make_reduce(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_NUMBER, 1);
    if (x == VALUE_NONE) return false;
    attr_reduce a = {.kind = (reduce_kind)random_below(r, RK_argmin_last + 1)};
    if (a.kind == RK_prod && !is_short(r, x)) return false;
    uint32_t rank = type_of(r, x)->rank, n = 0;
    int64_t axes[MAX_RANK], first = random_below(r, rank);
    for (uint32_t i = 0; i < rank; i++)
        if (i == first || (a.kind < RK_argmax && random_chance(r, 40))) axes[n++] = i;
    a.axes = ints_of(r, n, axes);
    return random_add(r, op, 1, &x, &a);
}

static bool make_scan(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_NUMBER, 1);
    if (x == VALUE_NONE) return false;
    attr_scan a = {.kind = (reduce_kind)random_below(r, RK_min + 1), .axis = axis_of(r, x)};
    if (a.kind == RK_prod && !is_short(r, x)) return false;
    a.exclusive = random_chance(r, 40);
    a.reverse = random_chance(r, 40);
    return random_add(r, op, 1, &x, &a);
}

/* Contracts the last axis of x with a new right side, keeping 0..1 batch axes in common. */
static bool make_contract(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_NUMBER, 1);
    if (x == VALUE_NONE || type_of(r, x)->rank > 4) return false;
    const tensor_type t = *type_of(r, x);
    char lhs[8] = {0}, rhs[8] = {0}, out[8] = {0};
    dim shape[4];
    uint32_t n = 0, n_out = 0;
    for (uint32_t i = 0; i < t.rank; i++) lhs[i] = (char)('a' + i);
    for (uint32_t i = 0; i < t.rank; i++) {
        bool is_summed = i + 1 == t.rank, is_batch = !is_summed && i == 0 && random_chance(r, 40);
        if (!is_summed) out[n_out++] = lhs[i];
        if (is_summed || is_batch) rhs[n] = lhs[i], shape[n++] = t.shape[i];
    }
    if (random_chance(r, 85)) {
        rhs[n] = out[n_out++] = 'z';
        shape[n++] = random_chance(r, 30) ? r->syms[2] : number(r, 1 + random_below(r, 20));
    }
    attr_contract a = {.lhs = lhs, .rhs = rhs, .out = out};
    return random_add(r, op, 2, (value_id[]){x, random_fresh(r, t.dt, n, shape)}, &a);
}

static bool make_matmul(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_NUMBER, 1);
    if (x == VALUE_NONE) return false;
    const tensor_type t = *type_of(r, x);
    dim shape[2] = {t.shape[t.rank - 1], random_chance(r, 30) ? r->syms[1] : number(r, 1 + random_below(r, 24))};
    return random_add(r, op, 2, (value_id[]){x, random_fresh(r, t.dt, random_chance(r, 90) ? 2 : 1, shape)}, NULL);
}

static bool make_attend(random_graph *r, op_code op) {
    dtype dt = random_dtype(r, RANDOM_FLOAT);
    int64_t groups = 1 + random_below(r, 2), heads = groups * (1 + random_below(r, 2)), d = 1 + random_below(r, 9);
    dim batch = r->syms[0], s = random_chance(r, 50) ? r->syms[1] : number(r, 1 + random_below(r, 9));
    dim keys = random_chance(r, 30) ? s : r->syms[2], q[4] = {batch, number(r, heads), s, number(r, d)};
    dim k[4] = {batch, number(r, groups), keys, number(r, d)}, v[4] = {batch, number(r, groups), keys, number(r, 4)};
    attr_attend a = {.causal = random_chance(r, 40), .window = random_chance(r, 20) ? 3 : 0};
    a.softcap = random_chance(r, 20) ? 1.5 : 0;
    value_id in[4] = {random_fresh(r, dt, 4, q), random_fresh(r, dt, 4, k), random_fresh(r, dt, 4, v), VALUE_NONE};
    bool has_mask = random_chance(r, 40);
    if (has_mask) in[3] = random_fresh(r, random_chance(r, 50) ? dt : FRIT_DT_BOOL, 2, (dim[]){s, keys});
    return random_add(r, op, has_mask ? 4 : 3, in, &a);
}

/* ---- model operators */

static bool make_softmax(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_FLOAT, 1);
    if (x == VALUE_NONE) return false;
    attr_axis a = {.axis = axis_of(r, x)};
    return random_add(r, op, 1, &x, &a);
}

static bool make_row_norm(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_FLOAT, 1);
    if (x == VALUE_NONE) return false;
    attr_norm a = {.axis = axis_of(r, x), .eps = 1e-3};
    const tensor_type t = *type_of(r, x);
    uint32_t axis = positive(a.axis, t.rank), n = op_info_of(op)->n_in_max - random_below(r, 2);
    value_id in[3] = {x};
    if (n < 2) n = 2;
    for (uint32_t i = 1; i < n; i++) in[i] = random_fresh(r, t.dt, t.rank - axis, t.shape + axis);
    return random_add(r, op, n, in, &a);
}

static value_id positive_variance(random_graph *r, value_id v) {
    value_id squared = VALUE_NONE, one, out = VALUE_NONE;
    dtype dt = v == VALUE_NONE ? FRIT_DT_F32 : type_of(r, v)->dt;
    bool is_fine = v != VALUE_NONE && graph_unary(r->c, r->g, OP_square, 0, v, &squared) == FRIT_OK &&
                   graph_splat(r->c, r->g, dt, 0.5, &one) == FRIT_OK &&
                   graph_binary(r->c, r->g, OP_add, 0, squared, one, &out) == FRIT_OK;
    return is_fine ? out : VALUE_NONE;
}

static bool make_channel_norm(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_FLOAT, 2), in[5] = {x};
    if (x == VALUE_NONE) return false;
    const tensor_type t = *type_of(r, x);
    uint32_t n = op_info_of(op)->n_in_max;
    for (uint32_t i = 1; i < n; i++) in[i] = random_fresh(r, t.dt, 1, &t.shape[1]);
    if (n == 5) in[4] = positive_variance(r, in[4]);
    attr_norm norm = {.axis = 1, .eps = 1e-3};
    attr_group_norm groups = {.groups = 1 + random_below(r, 3), .eps = 1e-3};
    return random_add(r, op, n, in, op == OP_group_norm ? (const void *)&groups : &norm);
}

static bool make_lrn(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_FLOAT, 2);
    attr_lrn a = {.size = 1 + random_below(r, 4), .alpha = 0.1, .beta = 0.75, .bias = 1};
    return random_add(r, op, 1, &x, &a);
}

typedef struct geometry {
    int64_t sizes[MAX_RANK], strides[MAX_RANK], dilations[MAX_RANK], pads[2 * MAX_RANK];
} geometry;

static geometry random_geometry(random_graph *r, uint32_t n) {
    geometry k;
    for (uint32_t i = 0; i < n; i++) {
        k.sizes[i] = 1 + random_below(r, 3);
        k.strides[i] = 1 + random_below(r, 2);
        k.dilations[i] = 1 + (random_below(r, 4) == 0);
        k.pads[i] = random_below(r, (uint32_t)k.sizes[i]);
        k.pads[n + i] = random_below(r, (uint32_t)k.sizes[i]);
    }
    return k;
}

static bool make_conv(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_FLOAT, 3);
    if (x == VALUE_NONE) return false;
    const tensor_type t = *type_of(r, x);
    int64_t channels;
    if (!dim_is_const(r->g->dims, t.shape[1], &channels)) return false;
    uint32_t n = t.rank - 2;
    geometry k = random_geometry(r, n);
    int64_t groups = channels % 2 == 0 && random_chance(r, 30) ? 2 : random_chance(r, 15) ? channels : 1;
    int64_t out_channels = groups * (1 + random_below(r, 4));
    bool is_transposed = op == OP_conv_transpose;
    dim w[MAX_RANK] = {number(r, is_transposed ? channels : out_channels),
                       number(r, is_transposed ? out_channels / groups : channels / groups)};
    for (uint32_t i = 0; i < n; i++) w[2 + i] = number(r, k.sizes[i]);
    attr_conv a = {.strides = ints_of(r, n, k.strides), .pads = ints_of(r, 2 * n, k.pads), .groups = groups};
    a.dilations = ints_of(r, n, k.dilations);
    attr_conv_transpose b = {.strides = a.strides, .pads = a.pads, .dilations = a.dilations, .groups = groups};
    dim bias = number(r, out_channels);
    value_id in[3] = {x, random_fresh(r, t.dt, t.rank, w), VALUE_NONE};
    bool has_bias = random_chance(r, 50);
    if (has_bias) in[2] = random_fresh(r, t.dt, 1, &bias);
    return random_add(r, op, has_bias ? 3 : 2, in, is_transposed ? (const void *)&b : &a);
}

static bool make_pool(random_graph *r, op_code op) {
    value_id x = random_pick(r, op == OP_max_pool ? RANDOM_NUMBER : RANDOM_FLOAT, 3);
    if (x == VALUE_NONE) return false;
    uint32_t n = type_of(r, x)->rank - 2;
    geometry k = random_geometry(r, n);
    for (uint32_t i = 0; i < 2 * n; i++) k.pads[i] = k.pads[i] > 1 ? 1 : k.pads[i];
    attr_pool a = {
        .sizes = ints_of(r, n, k.sizes), .strides = ints_of(r, n, k.strides), .pads = ints_of(r, 2 * n, k.pads)};
    a.dilations = ints_of(r, n, k.dilations);
    a.count_pad = random_chance(r, 50);
    a.ceil = random_chance(r, 30);
    return random_add(r, op, 1, &x, &a);
}

static bool make_rope(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_FLOAT, 1);
    if (x == VALUE_NONE) return false;
    const tensor_type t = *type_of(r, x);
    int64_t d;
    if (!dim_is_const(r->g->dims, t.shape[t.rank - 1], &d) || d < 2) return false;
    attr_rope a = {.interleaved = random_chance(r, 50), .rotary_dim = d % 2 || random_chance(r, 30) ? 2 : 0};
    dim half[2] = {t.rank > 1 ? t.shape[t.rank - 2] : 0, number(r, (a.rotary_dim ? a.rotary_dim : d) / 2)};
    uint32_t rank = t.rank > 1 ? 2 : 1;
    const dim *shape = half + 2 - rank;
    return random_add(r, op, 3, (value_id[]){x, random_fresh(r, t.dt, rank, shape), random_fresh(r, t.dt, rank, shape)},
                      &a);
}

static bool make_resize(random_graph *r, op_code op) {
    value_id x = random_pick(r, RANDOM_FLOAT, 2);
    if (x == VALUE_NONE) return false;
    const tensor_type *t = type_of(r, x);
    dim out[MAX_RANK];
    memcpy(out, t->shape, t->rank * sizeof *out);
    for (uint32_t i = t->rank - 2; i < t->rank; i++) {
        int64_t extent;
        if (dim_is_const(r->g->dims, out[i], &extent) && !extent) return false; /* nothing to sample */
        if (dim_is_const(r->g->dims, out[i], &extent))
            out[i] = number(r, 1 + random_below(r, 2 * (uint32_t)extent));
        else if (random_chance(r, 50))
            out[i] = dim_mul(r->g->dims, out[i], number(r, 2));
    }
    attr_resize *a = attrs_new(r->g->a, op);
    a->out = dims_of(r, t->rank, out);
    a->mode = (resize_mode)random_below(r, RM_cubic + 1);
    a->coord = (resize_coord)random_below(r, RC_asymmetric + 1);
    a->nearest = (resize_nearest)random_below(r, RN_ceil + 1);
    a->exclude_outside = a->mode == RM_cubic && random_chance(r, 30);
    return random_add(r, op, 1, &x, a);
}

static bool make_einsum(random_graph *r, op_code op) {
    static const char *const equations[] = {"ij,jk->ik", "ij,kj->ki", "ij,ij->i",
                                            "ij,jk->",   "ij,j->ji",  "...j,jk->...k"};
    value_id x = random_pick(r, RANDOM_NUMBER, 2);
    if (x == VALUE_NONE) return false;
    const tensor_type t = *type_of(r, x);
    attr_einsum a = {.equation = equations[t.rank == 2 ? random_below(r, countof(equations)) : countof(equations) - 1]};
    dim right[3] = {t.shape[t.rank - 2], t.shape[t.rank - 1], number(r, 5)};
    bool is_vector = strncmp(a.equation, "ij,j-", 5) == 0, is_same = strncmp(a.equation, "ij,ij", 5) == 0;
    bool is_turned = strncmp(a.equation, "ij,kj", 5) == 0;
    dim turned[2] = {number(r, 3), t.shape[t.rank - 1]};
    const dim *shape = is_turned ? turned : is_same ? right : right + 1;
    return random_add(r, op, 2, (value_id[]){x, random_fresh(r, t.dt, is_vector ? 1 : 2, shape)}, &a);
}

static bool make_iota(random_graph *r, op_code op) {
    attr_iota a = {.axis = random_below(r, 2), .to = random_dtype(r, RANDOM_NUMBER)};
    a.dims = dims_of(r, 2, (dim[]){r->syms[random_below(r, RANDOM_SYMS)], number(r, 4)});
    return random_add(r, op, 0, NULL, &a);
}

static bool make_random(random_graph *r, op_code op) {
    attr_random a = {.kind = (random_kind)random_below(r, RD_bernoulli + 1), .to = random_dtype(r, RANDOM_FLOAT)};
    a.seed = random_below(r, 1000);
    a.a = random_between(r, 0, 1);
    a.b = random_between(r, 1, 2);
    a.dims = dims_of(r, 2, (dim[]){r->syms[random_below(r, RANDOM_SYMS)], number(r, 3)});
    return random_add(r, op, 0, NULL, &a);
}

/* ---- choice */

typedef struct choice {
    maker *make;
    op_code op;
} choice;

bool random_op(random_graph *r) {
    static const choice structured[] = {
        {make_select, OP_select},
        {make_cast, OP_cast},
        {make_reshape, OP_reshape},
        {make_reshape, OP_reshape},
        {make_transpose, OP_transpose},
        {make_transpose, OP_transpose},
        {make_broadcast, OP_broadcast},
        {make_slice, OP_slice},
        {make_slice, OP_slice},
        {make_pad, OP_pad},
        {make_window, OP_window},
        {make_concat, OP_concat},
        {make_concat, OP_concat},
        {make_gather, OP_gather},
        {make_gather_elements, OP_gather_elements},
        {make_scatter_elements, OP_scatter_elements},
        {make_scatter_nd, OP_scatter_nd},
        {make_topk, OP_topk},
        {make_update, OP_update},
        {make_reduce, OP_reduce},
        {make_reduce, OP_reduce},
        {make_reduce, OP_reduce},
        {make_scan, OP_scan},
        {make_contract, OP_contract},
        {make_matmul, OP_matmul},
        {make_matmul, OP_matmul},
        {make_attend, OP_attend},
        {make_softmax, OP_softmax},
        {make_softmax, OP_log_softmax},
        {make_row_norm, OP_layer_norm},
        {make_row_norm, OP_rms_norm},
        {make_channel_norm, OP_batch_norm},
        {make_channel_norm, OP_instance_norm},
        {make_channel_norm, OP_group_norm},
        {make_lrn, OP_lrn},
        {make_conv, OP_conv},
        {make_conv, OP_conv_transpose},
        {make_pool, OP_max_pool},
        {make_pool, OP_avg_pool},
        {make_rope, OP_rope},
        {make_resize, OP_resize},
        {make_einsum, OP_einsum},
        {make_iota, OP_iota},
        {make_random, OP_random},
    };
    if (random_chance(r, 12)) return random_decided(r);
    if (random_chance(r, 60)) {
        const choice *k = &structured[random_below(r, countof(structured))];
        return k->make(r, k->op);
    }
    op_code op = (op_code)random_below(r, N_OPS);
    bool is_special = op == OP_select || op_info_of(op)->attrs == op_info_of(OP_cast)->attrs;
    return op_is(op, OPF_EW) && !is_special && make_elementwise(r, op);
}
