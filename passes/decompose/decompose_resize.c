/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Decomposition of resize, one axis after the other. With constant extents the positions and weights are tables:
 * nearest is a gather, the others a gather of all taps and a weighted sum. Between symbolic extents only repetition by
 * a whole factor is known, which needs no table. */
#include <string.h>

#include "ir/op/resize.h"
#include "passes/decompose/decompose.h"

enum { MAX_TABLE = 1 << 22 };

/* Positions [out, n_taps], weights [out, n_taps] and which outputs lie outside [out]. */
typedef struct tap_table {
    int64_t out, n_taps;
    int64_t *position;
    double *weight;
    bool *is_outside;
    bool any_outside;
    bool is_gather; /* each output inside is one element as it is */
} tap_table;

static int64_t clamp_to(int64_t p, int64_t n) { return p < 0 ? 0 : p >= n ? n - 1 : p; }

static bool make_table(build *b, const resize_axis *a, tap_table *out) {
    arena *mem = b->g->a;
    int64_t most = 1;
    bool is_gather = true;
    if (a->out > MAX_TABLE) return false;
    resize_taps *taps = ARENA_ARRAY(b->c->scratch, resize_taps, a->out + 1);
    for (int64_t p = 0; p < a->out; p++) {
        taps[p] = resize_taps_of(b->c->scratch, a, p);
        is_gather = is_gather && (taps[p].is_outside || (taps[p].n == 1 && taps[p].weight[0] == 1));
        if (taps[p].n > most) most = taps[p].n;
    }
    if (a->out * most > MAX_TABLE) return false;
    *out = (tap_table){.out = a->out, .n_taps = most, .is_gather = is_gather};
    out->position = ARENA_ARRAY(mem, int64_t, a->out * most + 1);
    out->weight = ARENA_ARRAY(mem, double, a->out *most + 1);
    out->is_outside = ARENA_ARRAY(mem, bool, a->out + 1);
    for (int64_t p = 0; p < a->out; p++) {
        for (int64_t i = 0; i < most; i++) {
            out->position[p * most + i] = clamp_to(taps[p].first + i, a->in);
            out->weight[p * most + i] = i < taps[p].n ? taps[p].weight[i] : 0;
        }
        out->is_outside[p] = taps[p].is_outside;
        out->any_outside = out->any_outside || taps[p].is_outside;
    }
    return true;
}

static value_id table_const(build *b, dtype dt, uint32_t rank, const int64_t *dims, const void *values) {
    size_t n = 1;
    for (uint32_t i = 0; i < rank; i++) n *= (size_t)dims[i];
    const_data d = {.dt = dt, .dims = {rank, dims}};
    void *bytes = arena_alloc(b->g->a, dtype_bytes(dt, n) + 1);
    for (size_t i = 0; i < n; i++) {
        scalar s = {0};
        if (dt == FRIT_DT_I64)
            s.i = ((const int64_t *)values)[i];
        else if (dt == FRIT_DT_BOOL)
            s.i = ((const bool *)values)[i];
        else
            s = dtype_from_f64(dt, ((const double *)values)[i]);
        dtype_store(dt, bytes, i, s);
    }
    d.bytes = bytes;
    value_id out = VALUE_NONE;
    if (build_ok(b)) b->status = graph_const_bytes(b->c, b->g, &d, &out);
    return out;
}

/* Axes of extent 1 before and behind a small table, so that it broadcasts at `axis` of rank axes. */
static value_id table_along(build *b, value_id table, uint32_t axis, uint32_t rank) {
    if (!build_ok(b)) return VALUE_NONE;
    const tensor_type *t = build_type(b, table);
    dim shape[MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) shape[i] = dim_const(b->g->dims, 1);
    for (uint32_t i = 0; i < t->rank; i++) shape[axis + i] = t->shape[i];
    return build_reshape(b, table, rank, shape);
}

static value_id resize_by_table(decomposition *d, value_id x, uint32_t axis, const tap_table *t) {
    const attr_resize *a = d->attrs;
    build *b = &d->b;
    dtype dt = build_type(b, x)->dt, wide = dtype_is_float(dt) ? dt : FRIT_DT_F32;
    uint32_t rank = d->types[0].rank;
    int64_t dims[2] = {t->out, t->n_taps}, taps_axis = axis + 1;
    bool is_gather = t->is_gather;
    if (!is_gather && rank == MAX_RANK) return build_fail(b, FRIT_UNSUPPORTED, "resize of rank %u", rank);
    value_id where = table_const(b, FRIT_DT_I64, is_gather ? 1 : 2, dims, t->position);
    value_id y = build_node(b, OP_gather, 2, (value_id[]){x, where}, &(attr_axis){.axis = axis});
    if (!is_gather) {
        value_id weight = table_along(b, table_const(b, wide, 2, dims, t->weight), axis, rank + 1);
        y = build_mul(b, build_cast(b, y, wide), weight);
        y = build_reduce(b, RK_sum, y, 1, &taps_axis);
    }
    if (t->any_outside) {
        value_id outside = table_along(b, table_const(b, FRIT_DT_BOOL, 1, dims, t->is_outside), axis, rank);
        y = build_select(b, outside, build_like(b, y, a->extrapolation), y);
    }
    return build_cast(b, y, dt);
}

/* Each element `factor` times: [.., n, ..] -> [.., n, factor, ..] -> [.., n factor, ..]. */
static value_id repeat_axis(build *b, value_id x, uint32_t axis, dim factor, dim out) {
    const tensor_type *t = build_type(b, x);
    dim shape[MAX_RANK + 1];
    uint32_t rank = t->rank;
    if (rank == MAX_RANK) return build_fail(b, FRIT_UNSUPPORTED, "resize of rank %u", rank);
    memcpy(shape, t->shape, (axis + 1) * sizeof *shape);
    memcpy(shape + axis + 2, t->shape + axis + 1, (rank - axis - 1) * sizeof *shape);
    shape[axis + 1] = dim_const(b->g->dims, 1);
    value_id y = build_reshape(b, x, rank + 1, shape);
    shape[axis + 1] = factor;
    y = build_broadcast(b, y, rank + 1, shape);
    memcpy(shape, build_type(b, x)->shape, rank * sizeof *shape);
    shape[axis] = out;
    return build_reshape(b, y, rank, shape);
}

/* Nearest with a whole factor repeats when the coordinate of k p + r rounds to p for 0 <= r < k. */
static bool repeats(const attr_resize *a) {
    bool halves = a->coord == RC_half_pixel || a->coord == RC_half_pixel_symmetric || a->coord == RC_pytorch_half_pixel;
    bool rounds = a->nearest == RN_round_prefer_floor || a->nearest == RN_round_prefer_ceil;
    return a->mode == RM_nearest && ((halves && rounds) || (a->coord == RC_asymmetric && a->nearest == RN_floor));
}

static value_id resize_axis_of(decomposition *d, value_id x, uint32_t axis) {
    const attr_resize *a = d->attrs;
    build *b = &d->b;
    dim_table *t = b->g->dims;
    dim from = build_type(b, x)->shape[axis], to = d->types[0].shape[axis], factor = DIM_BAD;
    int64_t in = 0, out = 0;
    if (dim_is_const(t, from, &in) && dim_is_const(t, to, &out)) {
        resize_axis r;
        tap_table table;
        if (out == 0) return build_fail(b, FRIT_UNSUPPORTED, "resize of axis %u to nothing", axis);
        bool is_ok = resize_axis_init(a, axis, d->types[0].rank, in, out, &r);
        if (is_ok && resize_is_identity(&r)) return x;
        if (is_ok && make_table(b, &r, &table)) return resize_by_table(d, x, axis, &table);
        return build_fail(b, FRIT_RANGE, "resize: axis %u cannot be resized from %lld to %lld", axis, (long long)in,
                          (long long)out);
    }
    bool has_scale = axis < a->scales.n && a->scales.at[axis] > 0;
    resize_axis unit; /* as if of one element: roi and scale as for every extent */
    if (dim_equal(t, from, to) && resize_axis_init(a, axis, d->types[0].rank, 1, 1, &unit) && resize_is_identity(&unit))
        return x;
    int64_t k = 0;
    bool is_whole = repeats(a) && dim_div_exact(t, to, from, &factor) && dim_is_const(t, factor, &k) && k > 0 &&
                    (!has_scale || a->scales.at[axis] == (double)k);
    if (is_whole) return repeat_axis(b, x, axis, factor, to);
    return decompose_resize_symbolic(d, x, axis, from, to);
}

void decompose_resize(decomposition *d) {
    value_id x = d->in[0];
    for (uint32_t i = 0; i < d->types[0].rank && build_ok(&d->b); i++) x = resize_axis_of(d, x, i);
    d->out[0] = x;
}
