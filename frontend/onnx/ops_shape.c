/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shapes and views: what Reshape and its kin mean in every opset, and constants. */
#include <math.h>
#include <string.h>

#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

/* The list an operator takes as attribute `name` in old opsets and as operand i in new ones; false when neither is
 * given. */
bool ints_of(reader *r, const call *n, const char *name, uint32_t i, int_list *out) {
    if (attr_ints(n, name, out)) return true;
    return has_in(n, i) && want_ints(r, n, i, out);
}

/* The same for sizes, which may be symbolic. */
bool dims_of(reader *r, const call *n, const char *name, uint32_t i, dim_list *out) {
    int_list ints;
    *out = (dim_list){0};
    if (!attr_ints(n, name, &ints)) return has_in(n, i) && want_dims(r, n, i, out);
    dim *at = ARENA_ARRAY(r->c->job, dim, ints.n + 1);
    for (uint32_t k = 0; k < ints.n; k++) at[k] = dimi(r, ints.at[k]);
    *out = (dim_list){ints.n, at};
    return true;
}

void map_constant(reader *r, call *n) {
    const onnx_attr *a;
    if ((a = attr_find(n, "value")) && a->type == ATTR_TENSOR) {
        const_data d;
        value_id v;
        if (weight_read(r->c, &r->files, a->t, &d) != FRIT_OK) return;
        if (graph_const_bytes(r->c, r->g, &d, &v) == FRIT_OK) n->out[0] = v;
    } else if ((a = attr_find(n, "value_float")))
        n->out[0] = make_splat(r, FRIT_DT_F32, a->f);
    else if ((a = attr_find(n, "value_int")))
        n->out[0] = make_reshape(r, make_ints(r, 1, &a->i), 0, NULL);
    else if ((a = attr_find(n, "value_ints")))
        n->out[0] = make_ints(r, a->ints.n, a->ints.at);
    else if ((a = attr_find(n, "value_floats")))
        n->out[0] = make_floats(r, a->floats.n, a->floats.at);
    else
        fail_node(r, FRIT_UNSUPPORTED, "a constant that is text or sparse");
}

/* 1-D f32 constant. */
value_id make_floats(reader *r, uint32_t n, const double *v) {
    float *bytes = ARENA_ARRAY(r->c->job, float, n + 1);
    int64_t extent = n;
    for (uint32_t i = 0; i < n; i++) bytes[i] = (float)v[i];
    const_data d = {.kind = CONST_DENSE, .dt = FRIT_DT_F32, .dims = int_list_of(r->c->job, 1, &extent), .bytes = bytes};
    value_id out;
    return !failed(r) && graph_const_bytes(r->c, r->g, &d, &out) == FRIT_OK ? out : VALUE_NONE;
}

void map_constant_of_shape(reader *r, call *n) {
    dim_list shape;
    const onnx_attr *a = attr_find(n, "value");
    value_id fill;
    if (!want_dims(r, n, 0, &shape)) return;
    if (shape.n > MAX_RANK) {
        fail_node(r, FRIT_UNSUPPORTED, "a tensor of %u axes", shape.n);
        return;
    }
    if (a && a->type == ATTR_TENSOR) {
        const_data d;
        if (weight_read(r->c, &r->files, a->t, &d) != FRIT_OK || graph_const_bytes(r->c, r->g, &d, &fill) != FRIT_OK)
            return;
        fill = make_reshape(r, fill, 0, NULL);
    } else
        fill = make_splat(r, FRIT_DT_F32, 0);
    n->out[0] = make_broadcast(r, fill, shape.n, shape.at);
}

void map_shape(reader *r, call *n) {
    tensor_type t = *type_of(r, n->in[0]);
    int64_t rank = t.rank, start = attr_int(n, "start", 0), end = attr_int(n, "end", rank);
    if (start < 0) start += rank;
    if (end < 0) end += rank;
    start = start < 0 ? 0 : start > rank ? rank : start;
    end = end < start ? start : end > rank ? rank : end;
    n->out[0] = make_from_dims(r, (uint32_t)(end - start), t.shape + start);
}

void map_size(reader *r, call *n) {
    if (n->in[0] == VALUE_NONE) return;
    dim count = graph_n_elements(r->g, n->in[0]);
    n->out[0] = make_reshape(r, make_from_dims(r, 1, &count), 0, NULL);
}

/* Extent i that Reshape asks for where 0 stands for x's own extent i: asked, or that one if asked is 0 when it runs. */
static dim copied_where_zero(reader *r, value_id x, uint32_t i, dim asked) {
    dim_table *t = r->dims;
    dim zero = dimi(r, 0), one = dimi(r, 1);
    if (asked == zero) return extent_of(r, x, i);
    if (asked == dimi(r, -1) || dim_le(t, one, asked) || i >= rank_of(r, x)) return asked;
    dim own = extent_of(r, x, i), times = DIM_BAD;
    bool is_none_too = dim_div_exact(t, asked, own, &times) && dim_le(t, one, times);
    if (is_none_too) return asked;
    return dim_add(t, asked, dim_mul(t, own, dim_max(t, zero, dim_sub(t, one, asked))));
}

/* The extent that stands for -1. Extents that are copied are on both sides and left out: they may be 0. */
static dim inferred_extent(reader *r, const tensor_type *x, const dim_list *target, const dim *shape) {
    dim total = dimi(r, 1), others = total;
    for (uint32_t i = 0; i < target->n || i < x->rank; i++) {
        bool is_copied = i < target->n && i < x->rank && shape[i] == x->shape[i] && target->at[i] != dimi(r, -1);
        if (is_copied) continue;
        if (i < x->rank) total = dim_mul(r->dims, total, x->shape[i]);
        if (i < target->n && target->at[i] != dimi(r, -1)) others = dim_mul(r->dims, others, shape[i]);
    }
    if (others != dimi(r, 0)) return dim_floordiv(r->dims, total, others);
    fail_node(r, FRIT_SHAPE, "-1 beside an extent of 0 may stand for any extent");
    return others;
}

void map_reshape(reader *r, call *n) {
    dim_list target;
    if (n->in[0] == VALUE_NONE || !dims_of(r, n, "shape", 1, &target)) return;
    tensor_type t = *type_of(r, n->in[0]);
    bool zero_copies = !attr_int(n, "allowzero", 0);
    dim shape[MAX_RANK];
    int64_t inferred = -1;
    if (target.n > MAX_RANK) fail_node(r, FRIT_UNSUPPORTED, "a tensor of %u axes", target.n);
    for (uint32_t i = 0; i < target.n && !failed(r); i++)
        if (target.at[i] == dimi(r, -1)) inferred = i;
    /* A symbol that is 0 when it runs copies as well where x may be empty; without a -1 the element counts would
     * differ. */
    bool may_be_empty = !dim_le(r->dims, dimi(r, 1), dim_product(r->dims, t.rank, t.shape));
    for (uint32_t i = 0; i < target.n && !failed(r); i++) {
        bool may_copy = zero_copies && ((inferred >= 0 && may_be_empty) || target.at[i] == dimi(r, 0));
        shape[i] = may_copy ? copied_where_zero(r, n->in[0], i, target.at[i]) : target.at[i];
    }
    if (inferred >= 0 && !failed(r)) shape[inferred] = inferred_extent(r, &t, &target, shape);
    if (!failed(r)) n->out[0] = make_reshape(r, n->in[0], target.n, shape);
}

void map_flatten(reader *r, call *n) {
    int64_t axis = attr_int(n, "axis", 1), rank = rank_of(r, n->in[0]);
    if (axis < 0) axis += rank;
    if (axis < 0 || axis > rank)
        fail_node(r, FRIT_RANGE, "axis %lld is outside rank %lld", (long long)axis, (long long)rank);
    else
        n->out[0] = make_flat2d(r, n->in[0], axis);
}

void map_squeeze(reader *r, call *n) {
    int_list axes;
    tensor_type t = *type_of(r, n->in[0]);
    uint32_t gone = 0, k = 0;
    bool given = ints_of(r, n, "axes", 1, &axes);
    for (uint32_t i = 0; given && i < axes.n; i++) {
        int64_t axis = axes.at[i];
        if (norm_axis(r, &axis, t.rank)) gone |= 1u << axis;
    }
    dim shape[MAX_RANK];
    for (uint32_t i = 0; i < t.rank; i++) {
        bool is_one = t.shape[i] == dimi(r, 1);
        if (!(given ? gone >> i & 1 : is_one)) shape[k++] = t.shape[i];
    }
    n->out[0] = make_reshape(r, n->in[0], k, shape);
}

void map_unsqueeze(reader *r, call *n) {
    int_list axes;
    tensor_type t = *type_of(r, n->in[0]);
    if (n->in[0] == VALUE_NONE || !ints_of(r, n, "axes", 1, &axes)) return;
    uint32_t rank = t.rank + axes.n, added = 0;
    if (rank > MAX_RANK) fail_node(r, FRIT_UNSUPPORTED, "a tensor of %u axes", rank);
    for (uint32_t i = 0; i < axes.n && !failed(r); i++) {
        int64_t axis = axes.at[i];
        if (!norm_axis(r, &axis, rank)) return;
        if (added >> axis & 1) fail_node(r, FRIT_FORMAT, "axis %lld is named twice", (long long)axis);
        added |= 1u << axis;
    }
    dim shape[MAX_RANK];
    for (uint32_t i = 0, k = 0; i < rank && !failed(r); i++) shape[i] = added >> i & 1 ? dimi(r, 1) : t.shape[k++];
    n->out[0] = make_reshape(r, n->in[0], rank, shape);
}

void map_transpose(reader *r, call *n) {
    int_list perm;
    int64_t reversed[MAX_RANK];
    uint32_t rank = rank_of(r, n->in[0]);
    for (uint32_t i = 0; i < rank; i++) reversed[i] = rank - 1 - i;
    if (!attr_ints(n, "perm", &perm)) perm = (int_list){rank, reversed};
    n->out[0] = make(r, OP_transpose, 1, n->in, &(attr_perm){.perm = perm});
}

/* Sizes of which every call must have one that is 1, or both equal. */
static void require_broadcast(reader *r, dim x, dim y) {
    const char *text = arena_printf(r->c->job, "%s: sizes", r->where);
    if (!failed(r)) graph_require(r->c, r->g, x, y, CK_BROADCASTS, text);
}

/* x broadcast against a shape: an axis of extent 1 on either side gives way to the other. */
void map_expand(reader *r, call *n) {
    dim_list target;
    tensor_type t = *type_of(r, n->in[0]);
    if (n->in[0] == VALUE_NONE || !want_dims(r, n, 1, &target)) return;
    uint32_t rank = target.n > t.rank ? target.n : t.rank;
    dim shape[MAX_RANK], one = dimi(r, 1);
    if (rank > MAX_RANK) fail_node(r, FRIT_UNSUPPORTED, "a tensor of %u axes", rank);
    for (uint32_t i = 0; i < rank && !failed(r); i++) {
        dim x = i < t.rank ? t.shape[t.rank - 1 - i] : one, y = i < target.n ? target.at[target.n - 1 - i] : one;
        shape[rank - 1 - i] = dim_broadcast(r->dims, x, y);
        require_broadcast(r, x, y);
    }
    n->out[0] = make_broadcast(r, n->in[0], rank, shape);
}

void map_tile(reader *r, call *n) {
    dim_list repeats;
    value_id x = n->in[0];
    if (x == VALUE_NONE || !want_dims(r, n, 1, &repeats)) return;
    if (repeats.n != rank_of(r, x)) fail_node(r, FRIT_SHAPE, "%u repeats for rank %u", repeats.n, rank_of(r, x));
    for (uint32_t i = 0; i < repeats.n && x != VALUE_NONE && !failed(r); i++) {
        if (repeats.at[i] == dimi(r, 1)) continue;
        tensor_type t = *type_of(r, x);
        dim wide[MAX_RANK + 1], joined[MAX_RANK];
        memcpy(joined, t.shape, t.rank * sizeof *joined);
        joined[i] = dim_mul(r->dims, t.shape[i], repeats.at[i]);
        value_id y = make_unsqueeze(r, x, i);
        if (y == VALUE_NONE) return;
        memcpy(wide, type_of(r, y)->shape, (t.rank + 1) * sizeof *wide);
        wide[i] = repeats.at[i];
        x = make_reshape(r, make_broadcast(r, y, t.rank + 1, wide), t.rank, joined);
    }
    n->out[0] = x;
}

void map_concat(reader *r, call *n) {
    int64_t axis = attr_int(n, "axis", 1);
    value_id *kept = ARENA_ARRAY(r->c->job, value_id, n->n_in + 1);
    uint32_t k = 0;
    if (n->in[0] == VALUE_NONE || !norm_axis(r, &axis, rank_of(r, n->in[0]))) return;
    for (uint32_t i = 0; i < n->n_in; i++) /* empty parts add nothing */
        if (extent_of(r, n->in[i], axis) != dimi(r, 0)) kept[k++] = n->in[i];
    n->out[0] = k ? make_concat(r, axis, k, kept) : n->in[0];
}

void map_split(reader *r, call *n) {
    int64_t axis = attr_int(n, "axis", 0), parts = attr_int(n, "num_outputs", n->n_out);
    dim_list sizes;
    if (n->in[0] == VALUE_NONE || !norm_axis(r, &axis, rank_of(r, n->in[0]))) return;
    dim extent = extent_of(r, n->in[0], axis), start = dimi(r, 0);
    bool given = dims_of(r, n, "split", 1, &sizes);
    if (parts < 1 || (given && sizes.n < n->n_out)) fail_node(r, FRIT_SHAPE, "%u parts of unknown size", n->n_out);
    for (uint32_t i = 0; i < n->n_out && !failed(r); i++) {
        dim chunk = dim_ceildiv(r->dims, extent, dimi(r, parts)), rest = dim_sub(r->dims, extent, start);
        dim size = given ? sizes.at[i] : i + 1 == parts ? rest : dim_min(r->dims, chunk, rest);
        n->out[i] = make_slice(r, n->in[0], axis, start, size, 1);
        start = dim_add(r->dims, start, size);
    }
}

/* --- slices --- */

/* A slice bound: counted from the end when negative, then clamped to lo..hi. */
static dim slice_bound(reader *r, dim given, dim extent, dim lo, dim hi) {
    dim_table *t = r->dims;
    int64_t k;
    if (dim_is_const(t, given, &k)) {
        const int64_t limit = (int64_t)1 << 40; /* INT64_MAX and INT64_MIN stand for the ends */
        given = dimi(r, k > limit ? limit : k < -limit ? -limit : k);
    }
    if (dim_lt(t, given, dimi(r, 0)))
        given = dim_add(t, given, extent);
    else if (!dim_le(t, dimi(r, 0), given)) {
        fail_node(r, FRIT_UNSUPPORTED, "a slice bound whose sign is not known: %s", dim_text(r->c->job, t, given));
        return given;
    }
    return dim_min(t, dim_max(t, given, lo), hi);
}

static value_id slice_axis(reader *r, value_id x, int64_t axis, dim start, dim end, int64_t step) {
    dim_table *t = r->dims;
    if (x == VALUE_NONE || !norm_axis(r, &axis, rank_of(r, x))) return VALUE_NONE;
    dim extent = extent_of(r, x, axis), zero = dimi(r, 0), last = dim_sub(t, extent, dimi(r, 1)), size;
    if (step == 0) fail_node(r, FRIT_RANGE, "a slice of step 0");
    if (step > 0) {
        start = slice_bound(r, start, extent, zero, extent);
        end = slice_bound(r, end, extent, zero, extent);
        size = dim_ceildiv(t, dim_sub(t, end, start), dimi(r, step));
    } else {
        start = slice_bound(r, start, extent, dimi(r, -1), last);
        end = slice_bound(r, end, extent, dimi(r, -1), last);
        size = dim_ceildiv(t, dim_sub(t, start, end), dimi(r, step < -INT32_MAX ? INT32_MAX : -step));
    }
    if (step > INT32_MAX || step < -INT32_MAX) step = 1, size = dim_min(t, size, dimi(r, 1)); /* one element at most */
    return failed(r) ? VALUE_NONE : make_slice(r, x, axis, start, dim_max(t, size, zero), step);
}

void map_slice(reader *r, call *n) {
    dim_list starts, ends;
    int_list axes = {0}, steps = {0};
    if (!dims_of(r, n, "starts", 1, &starts) || !dims_of(r, n, "ends", 2, &ends)) return;
    bool has_axes = ints_of(r, n, "axes", 3, &axes);
    if (has_in(n, 4) && !want_ints(r, n, 4, &steps)) return;
    if (starts.n != ends.n || (has_axes && axes.n != starts.n) || (has_in(n, 4) && steps.n != starts.n))
        fail_node(r, FRIT_SHAPE, "starts, ends, axes and steps differ in length");
    value_id x = n->in[0];
    for (uint32_t i = 0; i < starts.n && !failed(r); i++)
        x = slice_axis(r, x, has_axes ? axes.at[i] : i, starts.at[i], ends.at[i], steps.n ? steps.at[i] : 1);
    n->out[0] = x;
}

void map_pad(reader *r, call *n) {
    static const char *const modes[] = {"constant", "reflect", "edge", "wrap", NULL};
    dim_list pads;
    int_list axes = {0};
    value_id x = n->in[0], fill = n->in[2];
    uint32_t rank = rank_of(r, x);
    const char *name = n->version < 2 ? "paddings" : "pads";
    if (x == VALUE_NONE || !dims_of(r, n, name, 1, &pads)) return;
    if (n->version < 11 && attr_find(n, "value")) fill = make_like(r, x, attr_float(n, "value", 0));
    bool has_axes = has_in(n, 3);
    if (has_axes && !want_ints(r, n, 3, &axes)) return;
    uint32_t count = has_axes ? axes.n : rank;
    if (pads.n != 2 * count) fail_node(r, FRIT_SHAPE, "%u pads for %u axes", pads.n, count);
    dim lo[MAX_RANK], hi[MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) lo[i] = hi[i] = dimi(r, 0);
    for (uint32_t i = 0; i < count && !failed(r); i++) {
        int64_t axis = has_axes ? axes.at[i] : i;
        if (!norm_axis(r, &axis, rank)) return;
        lo[axis] = pads.at[i], hi[axis] = pads.at[i + count];
    }
    attr_pad a = {.lo = {rank, lo}, .hi = {rank, hi}};
    a.mode = (pad_mode)attr_choice(r, n, "mode", "constant", modes);
    bool filled = a.mode == PM_constant && fill != VALUE_NONE;
    value_id in[2] = {x, filled ? make_reshape(r, fill, 0, NULL) : VALUE_NONE};
    n->out[0] = make(r, OP_pad, filled ? 2 : 1, in, &a);
}

/* --- counting --- */

static void range_of_floats(reader *r, call *n) {
    f64_list start, limit, delta;
    if (!want_floats(r, n, 0, &start) || !want_floats(r, n, 1, &limit) || !want_floats(r, n, 2, &delta)) return;
    if (start.n != 1 || limit.n != 1 || delta.n != 1 || delta.at[0] == 0) {
        fail_node(r, FRIT_RANGE, "start, limit and delta must be single numbers, delta not 0");
        return;
    }
    double count = ceil((limit.at[0] - start.at[0]) / delta.at[0]);
    if (!(count >= 0)) count = 0;
    if (count > INT32_MAX) fail_node(r, FRIT_RANGE, "a range of %g elements", count);
    if (failed(r)) return;
    value_id steps = make_iota(r, dtype_of(r, n->in[0]), dimi(r, (int64_t)count));
    value_id scaled = mul(r, steps, make_reshape(r, n->in[2], 0, NULL));
    n->out[0] = add(r, scaled, make_reshape(r, n->in[0], 0, NULL));
}

void map_range(reader *r, call *n) {
    dim_list start, limit;
    int_list delta;
    if (n->in[0] == VALUE_NONE) return;
    dtype dt = dtype_of(r, n->in[0]);
    if (dtype_is_float(dt)) {
        range_of_floats(r, n);
        return;
    }
    if (!want_ints(r, n, 2, &delta) || !want_dims(r, n, 0, &start) || !want_dims(r, n, 1, &limit)) return;
    if (start.n != 1 || limit.n != 1 || delta.n != 1 || delta.at[0] == 0) {
        fail_node(r, FRIT_RANGE, "start, limit and delta must be single numbers, delta not 0");
        return;
    }
    dim span = dim_sub(r->dims, limit.at[0], start.at[0]);
    dim count = dim_max(r->dims, dim_ceildiv(r->dims, span, dimi(r, delta.at[0])), dimi(r, 0));
    if (delta.at[0] < 0) {
        span = dim_sub(r->dims, start.at[0], limit.at[0]);
        count = dim_max(r->dims, dim_ceildiv(r->dims, span, dimi(r, -delta.at[0])), dimi(r, 0));
    }
    value_id v = make_iota(r, dt, count);
    if (delta.at[0] != 1) v = mul(r, v, make_like(r, v, (double)delta.at[0]));
    if (start.at[0] != dimi(r, 0)) v = add(r, v, make_reshape(r, n->in[0], 0, NULL));
    n->out[0] = v;
}

void map_one_hot(reader *r, call *n) {
    dim_list depth;
    if (!want_dims(r, n, 1, &depth) || depth.n != 1) return;
    value_id index = make_cast(r, n->in[0], FRIT_DT_I64), values = n->in[2];
    int64_t axis = attr_int(n, "axis", -1);
    uint32_t rank = rank_of(r, index) + 1;
    if (!norm_axis(r, &axis, rank)) return;
    value_id size = make_reshape(r, make_from_dims(r, 1, depth.at), 0, NULL);
    value_id wrapped = add(r, index, size);
    index = make3(r, OP_select, make2(r, OP_lt, index, make_like(r, index, 0)), wrapped, index);
    index = make_unsqueeze(r, index, axis);
    dim places[MAX_RANK];
    for (uint32_t i = 0; i < rank && i < MAX_RANK; i++) places[i] = i == (uint32_t)axis ? depth.at[0] : dimi(r, 1);
    value_id hot = make2(r, OP_eq, index, make_iota_nd(r, FRIT_DT_I64, rank, places, axis));
    value_id off = make_squeeze(r, make_slice(r, values, 0, dimi(r, 0), dimi(r, 1), 1), 0);
    value_id on = make_squeeze(r, make_slice(r, values, 0, dimi(r, 1), dimi(r, 1), 1), 0);
    n->out[0] = make3(r, OP_select, hot, on, off);
}

/* column - row of the last two axes, as i64 [rows, columns]. */
static value_id diagonal_distance(reader *r, dim rows, dim columns) {
    dim column[2] = {dimi(r, 1), columns}, row[2] = {rows, dimi(r, 1)};
    return sub(r, make_iota_nd(r, FRIT_DT_I64, 2, column, 1), make_iota_nd(r, FRIT_DT_I64, 2, row, 0));
}

void map_eye_like(reader *r, call *n) {
    dtype dt = attr_dtype(r, n, "dtype", dtype_of(r, n->in[0]));
    value_id d = diagonal_distance(r, extent_of(r, n->in[0], 0), extent_of(r, n->in[0], 1));
    n->out[0] = make_cast(r, make2(r, OP_eq, d, make_like(r, d, (double)attr_int(n, "k", 0))), dt);
}

void map_trilu(reader *r, call *n) {
    value_id x = n->in[0], k = has_in(n, 1) ? make_reshape(r, n->in[1], 0, NULL) : make_splat(r, FRIT_DT_I64, 0);
    if (x == VALUE_NONE) return;
    value_id d = diagonal_distance(r, extent_of(r, x, -2), extent_of(r, x, -1));
    value_id keep = make2(r, attr_int(n, "upper", 1) ? OP_ge : OP_le, d, k);
    n->out[0] = make3(r, OP_select, keep, x, make_splat(r, dtype_of(r, x), 0));
}

/* --- blocks --- */

static void blocks(reader *r, call *n, const dim *wide, const int64_t *perm, const dim *narrow) {
    n->out[0] = make_reshape(r, make_transpose(r, make_reshape(r, n->in[0], 6, wide), perm), 4, narrow);
}

void map_depth_to_space(reader *r, call *n) {
    static const char *const modes[] = {"DCR", "CRD", NULL};
    static const int64_t dcr[] = {0, 3, 4, 1, 5, 2}, crd[] = {0, 1, 4, 2, 5, 3};
    int64_t b = attr_int(n, "blocksize", 1);
    if (rank_of(r, n->in[0]) != 4 || b < 1 || b > 65536) {
        fail_node(r, FRIT_SHAPE, "needs four axes and a positive block size");
        return;
    }
    dim_table *t = r->dims;
    dim k = dimi(r, b), c = dim_floordiv(t, extent_of(r, n->in[0], 1), dimi(r, b * b));
    dim batch = extent_of(r, n->in[0], 0), h = extent_of(r, n->in[0], 2), w = extent_of(r, n->in[0], 3);
    bool is_crd = attr_choice(r, n, "mode", "DCR", modes) != 0;
    dim wide[6] = {batch, is_crd ? c : k, k, is_crd ? k : c, h, w};
    dim narrow[4] = {batch, c, dim_mul(t, h, k), dim_mul(t, w, k)};
    blocks(r, n, wide, is_crd ? crd : dcr, narrow);
}

void map_space_to_depth(reader *r, call *n) {
    static const int64_t perm[] = {0, 3, 5, 1, 2, 4};
    int64_t b = attr_int(n, "blocksize", 1);
    if (rank_of(r, n->in[0]) != 4 || b < 1 || b > 65536) {
        fail_node(r, FRIT_SHAPE, "needs four axes and a positive block size");
        return;
    }
    dim_table *t = r->dims;
    dim k = dimi(r, b), batch = extent_of(r, n->in[0], 0), c = extent_of(r, n->in[0], 1);
    dim h = dim_floordiv(t, extent_of(r, n->in[0], 2), k), w = dim_floordiv(t, extent_of(r, n->in[0], 3), k);
    dim wide[6] = {batch, c, h, k, w, k}, narrow[4] = {batch, dim_mul(t, c, dimi(r, b * b)), h, w};
    blocks(r, n, wide, perm, narrow);
}

/* Each axis cropped or padded around its centre to the size asked for. */
void map_center_crop_pad(reader *r, call *n) {
    dim_list target;
    int_list axes;
    value_id x = n->in[0];
    uint32_t rank = rank_of(r, x);
    if (x == VALUE_NONE || !want_dims(r, n, 1, &target)) return;
    bool has_axes = attr_ints(n, "axes", &axes);
    dim lo[MAX_RANK], hi[MAX_RANK], two = dimi(r, 2), zero = dimi(r, 0);
    for (uint32_t i = 0; i < rank; i++) lo[i] = hi[i] = zero;
    if (target.n != (has_axes ? axes.n : rank)) fail_node(r, FRIT_SHAPE, "as many sizes as axes are needed");
    for (uint32_t i = 0; i < target.n && !failed(r); i++) {
        int64_t axis = has_axes ? axes.at[i] : i;
        if (!norm_axis(r, &axis, rank)) return;
        dim grow = dim_sub(r->dims, target.at[i], extent_of(r, x, axis)), shrink = dim_sub(r->dims, zero, grow);
        dim padded = dim_max(r->dims, zero, dim_floordiv(r->dims, grow, two)); /* one of the two is zero */
        lo[axis] = dim_sub(r->dims, padded, dim_max(r->dims, zero, dim_floordiv(r->dims, shrink, two)));
        hi[axis] = dim_sub(r->dims, grow, lo[axis]);
    }
    if (!failed(r)) n->out[0] = make(r, OP_pad, 1, &x, &(attr_pad){.lo = {rank, lo}, .hi = {rank, hi}});
}
