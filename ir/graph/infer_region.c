/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Result types of operators with regions; they also check the regions' parameters and results. */
#include <string.h>

#include "ir/graph/infer.h"

static const region *body_of(const infer_args *a, uint32_t i) { return &a->g->regions.at[a->regions[i]]; }
static const tensor_type *param(const infer_args *a, const region *r, uint32_t i) {
    return graph_type(a->g, r->params.at[i]);
}
static const tensor_type *result(const infer_args *a, const region *r, uint32_t i) {
    return graph_type(a->g, r->results.at[i]);
}

static frit_status has_regions(cx *c, const infer_args *a, uint32_t n) {
    if (a->n_regions == n) return FRIT_OK;
    return infer_fail(c, a, FRIT_TYPE, "has %u regions, needs %u", a->n_regions, n);
}

static frit_status same_dtype(cx *c, const infer_args *a, const tensor_type *x, const tensor_type *y,
                              const char *what) {
    if (x->dt == y->dt) return FRIT_OK;
    return infer_fail(c, a, FRIT_TYPE, "%s are %s and %s", what, dtype_name(x->dt), dtype_name(y->dt));
}

/* Two types that a value has inside and outside of a region. */
static frit_status same_type(cx *c, const infer_args *a, const tensor_type *x, const tensor_type *y, const char *what) {
    TRY(same_dtype(c, a, x, y, what));
    bool same_rank = x->rank == y->rank;
    for (uint32_t i = 0; same_rank && i < x->rank; i++) TRY(infer_match(c, a, x->shape[i], y->shape[i], what));
    if (same_rank) return FRIT_OK;
    return infer_fail(c, a, FRIT_SHAPE, "%s are %s and %s", what, infer_shape(a, x), infer_shape(a, y));
}

static frit_status is_scalar(cx *c, const infer_args *a, const tensor_type *t, dtype dt, const char *what) {
    if (t->rank == 0 && t->dt == dt) return FRIT_OK;
    return infer_fail(c, a, FRIT_TYPE, "%s is %s%s, must be a scalar %s", what, dtype_name(t->dt), infer_shape(a, t),
                      dtype_name(dt));
}

/* ---- if */

/* A bound of an extent that no symbol which the program counts is in: those counted inside of a region mean nothing
 * outside of it. */
static dim bound_outside(const infer_args *a, dim d) {
    dim_table *t = a->g->dims;
    for (sym_id s = dim_n_syms(t); s-- > 0 && d != DIM_BAD;) {
        const sym_info *info = dim_sym_info(t, s);
        if (info->kind != SYM_RESULT || !dim_depends(t, d, s)) continue;
        dim most = info->extent == DIM_BAD ? dim_const(t, info->hi) : dim_sub(t, info->extent, dim_const(t, 1));
        d = dim_subst(t, dim_majorant(t, d), 1, &s, &most);
        s = dim_n_syms(t); /* the bound may mention others */
    }
    return d;
}

static dim greater_bound(const infer_args *a, dim x, dim y) {
    return dim_max(a->g->dims, bound_outside(a, x), bound_outside(a, y));
}

/* What stands for x or y is no less than the lesser of the two can be. */
static void raise_least(const infer_args *a, dim symbol, dim x, dim y) {
    dim_table *t = a->g->dims;
    sym_id s;
    int64_t lo[2], hi;
    dim_bounds(t, x, &lo[0], &hi);
    dim_bounds(t, y, &lo[1], &hi);
    int64_t least = lo[0] < lo[1] ? lo[0] : lo[1];
    if (dim_is_sym(t, symbol, &s) && dim_sym_info(t, s)->lo < least) dim_sym_info(t, s)->lo = least;
}

/* An extent of two forms, and the symbol that stands for either. */
typedef struct either {
    dim x, y, symbol;
} either;
typedef struct joiner {
    const infer_args *a;
    dim *all;        /* extents of all results so far */
    uint32_t n;      /* of them */
    either *eithers; /* pairs seen */
    uint32_t n_eithers;
} joiner;

/* The extent of a result: that of both branches, or a symbol, the same one for equal pairs. */
static dim join_extents(joiner *j, dim x, dim y) {
    if (dim_equal(j->a->g->dims, x, y)) return x;
    for (uint32_t i = 0; i < j->n_eithers; i++)
        if (j->eithers[i].x == x && j->eithers[i].y == y) return j->eithers[i].symbol;
    dim symbol = infer_result_symbol(j->a, "either", greater_bound(j->a, x, y));
    raise_least(j->a, symbol, x, y);
    j->eithers[j->n_eithers++] = (either){x, y, symbol};
    return symbol;
}

/* An extent that the node has already: a symbol that it counts, or what both branches give. */
static frit_status keep_extent(cx *c, const infer_args *a, dim given, dim x, dim y) {
    sym_id s;
    bool is_plain = dim_equal(a->g->dims, x, given) && dim_equal(a->g->dims, y, given);
    if (is_plain) return FRIT_OK;
    sym_kind kind = dim_is_sym(a->g->dims, given, &s) ? dim_sym_info(a->g->dims, s)->kind : SYM_AXIS;
    if (kind == SYM_RESULT || kind == SYM_FREE) {
        infer_bound_result(a, given, greater_bound(a, x, y));
        raise_least(a, given, x, y);
        return FRIT_OK;
    }
    TRY(infer_match(c, a, given, x, "results of the two regions"));
    return infer_match(c, a, given, y, "results of the two regions");
}

static frit_status join_results(cx *c, const infer_args *a, const region *then_r, const region *else_r,
                                tensor_type *out) {
    attr_if *t = a->attrs;
    uint32_t n = 0, most = then_r->results.n * MAX_RANK;
    joiner j = {
        .a = a, .all = ARENA_ARRAY(a->g->a, dim, most + 1u), .eithers = ARENA_ARRAY(a->g->a, either, most + 1u)};
    for (uint32_t i = 0; i < then_r->results.n; i++) {
        const tensor_type *x = result(a, then_r, i), *y = result(a, else_r, i);
        TRY(same_dtype(c, a, x, y, "results of the two regions"));
        if (x->rank != y->rank)
            return infer_fail(c, a, FRIT_SHAPE, "results of the two regions are %s and %s", infer_shape(a, x),
                              infer_shape(a, y));
        out[i] = (tensor_type){x->dt, x->rank, j.all + j.n};
        for (uint32_t k = 0; k < x->rank; k++, n++) {
            if (t->dims.n && n >= t->dims.n) continue;
            j.all[j.n++] = t->dims.n ? t->dims.at[n] : join_extents(&j, x->shape[k], y->shape[k]);
            if (t->dims.n) TRY(keep_extent(c, a, t->dims.at[n], x->shape[k], y->shape[k]));
        }
    }
    if (t->dims.n && (n != t->dims.n || j.n != n))
        return infer_fail(c, a, FRIT_SHAPE, "has %u dims, its results %u", t->dims.n, n);
    if (j.n_eithers) t->dims = (dim_list){j.n, j.all};
    return FRIT_OK;
}

frit_status infer_if(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    TRY(has_regions(c, a, 2));
    TRY(is_scalar(c, a, infer_in(a, 0), FRIT_DT_BOOL, "the condition"));
    const region *then_r = body_of(a, 0), *else_r = body_of(a, 1);
    if (then_r->results.n != else_r->results.n)
        return infer_fail(c, a, FRIT_TYPE, "its regions give %u and %u results", then_r->results.n, else_r->results.n);
    for (uint32_t k = 0; k < 2; k++) {
        const region *r = body_of(a, k);
        if (r->params.n != a->n_in - 1)
            return infer_fail(c, a, FRIT_TYPE, "a region takes %u values, got %u", r->params.n, a->n_in - 1);
        for (uint32_t i = 0; i < r->params.n; i++)
            TRY(same_type(c, a, param(a, r, i), infer_in(a, i + 1), "parameter and operand"));
    }
    *out_n = then_r->results.n;
    return join_results(c, a, then_r, else_r, out);
}

/* x with an axis of that extent inserted. */
static tensor_type with_axis(const infer_args *a, const tensor_type *x, uint32_t axis, dim extent) {
    dim *shape = infer_new_shape(a, x->rank + 1);
    memcpy(shape, x->shape, axis * sizeof *shape);
    shape[axis] = extent;
    memcpy(shape + axis + 1, x->shape + axis, (x->rank - axis) * sizeof *shape);
    return (tensor_type){x->dt, x->rank + 1, shape};
}

/* The trip count as a dim: a constant, or a number made from dims; DIM_BAD when it comes from data or is absurd. */
static dim trip_limit(const infer_args *a) {
    scalar n = {0};
    const const_data *trips = graph_const(a->g, a->in[0]);
    if (trips && const_is_splat(trips, &n)) return n.i > INT32_MAX ? DIM_BAD : infer_int(a, n.i > 0 ? n.i : 0);
    const node *x = graph_def(a->g, a->in[0]);
    while (x && (x->op == OP_reshape || x->op == OP_cast)) x = graph_def(a->g, x->in[0]);
    if (!x || x->op != OP_from_dims || ((const attr_dims *)x->attrs)->dims.n != 1) return DIM_BAD;
    return dim_max(a->g->dims, ((const attr_dims *)x->attrs)->dims.at[0], infer_int(a, 0));
}

static bool is_true(const infer_args *a, value_id v) {
    scalar x = {0};
    const const_data *d = graph_const(a->g, v);
    return d && const_is_splat(d, &x) && x.i;
}

enum { MOST_TRIPS = 65536 };

/* Rows that a while node scans: the trip count when that is a dim and the loop cannot stop early, else a symbol that
 * counts them. A count that only data decides is at most MOST_TRIPS, as a symbol without a declared range is. */
static dim while_trips(const infer_args *a, const region *body, dim *out_limit) {
    *out_limit = trip_limit(a);
    bool runs_through = *out_limit != DIM_BAD && is_true(a, a->in[1]) &&
                        (body->results.at[0] == body->params.at[1] || is_true(a, body->results.at[0]));
    return runs_through ? *out_limit : DIM_BAD;
}

/* A carried value is of one type from iteration to iteration; what cannot be proven of it is demanded of each. */
static frit_status same_after(cx *c, const infer_args *a, const tensor_type *before, const tensor_type *after) {
    region_id at = a->g->at;
    a->g->at = a->regions[0];
    frit_status status = same_type(c, a, before, after, "carried value before and after");
    a->g->at = at;
    return status;
}

/* What a loop collects has the extents of one slice for all of them. */
static frit_status is_of_fixed_extents(cx *c, const infer_args *a, const tensor_type *x) {
    const graph *g = a->g;
    for (uint32_t i = 0; i < x->rank; i++) {
        for (sym_id s = 0; s < dim_n_syms(g->dims); s++) {
            if (dim_sym_info(g->dims, s)->kind != SYM_RESULT || !dim_depends(g->dims, x->shape[i], s)) continue;
            node_id by = graph_counter(g, s);
            if (by != NODE_NONE && graph_is_within(g, graph_node(g, by)->region, a->regions[0]))
                return infer_fail(c, a, FRIT_UNSUPPORTED,
                                  "collects slices of %s, of which every iteration counts %s anew", infer_shape(a, x),
                                  dim_sym_info(g->dims, s)->name);
        }
    }
    return FRIT_OK;
}

frit_status infer_while(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    attr_while *t = a->attrs;
    TRY(has_regions(c, a, 1));
    const region *r = body_of(a, 0);
    bool counts_fit = t->n_carried >= 0 && t->n_carried <= (int64_t)a->n_in - 2 && r->params.n == a->n_in &&
                      r->results.n >= 1 + (uint64_t)t->n_carried;
    if (!counts_fit)
        return infer_fail(c, a, FRIT_TYPE,
                          "body of %u parameters and %u results does not fit %u operands, %lld carried", r->params.n,
                          r->results.n, a->n_in, (long long)t->n_carried);
    uint32_t n = (uint32_t)t->n_carried;
    TRY(is_scalar(c, a, infer_in(a, 0), FRIT_DT_I64, "the trip count"));
    TRY(is_scalar(c, a, infer_in(a, 1), FRIT_DT_BOOL, "the condition"));
    TRY(is_scalar(c, a, result(a, r, 0), FRIT_DT_BOOL, "the body's condition"));
    for (uint32_t i = 0; i < a->n_in; i++)
        TRY(same_type(c, a, param(a, r, i), infer_in(a, i), "parameter and operand"));
    for (uint32_t i = 0; i < n; i++) TRY(same_after(c, a, infer_in(a, 2 + i), result(a, r, 1 + i)));
    for (uint32_t i = 1 + n; i < r->results.n; i++) TRY(is_of_fixed_extents(c, a, result(a, r, i)));
    *out_n = r->results.n - 1;
    for (uint32_t i = 0; i < n; i++) out[i] = *infer_in(a, 2 + i);
    dim limit, trips = while_trips(a, r, &limit);
    if (*out_n > n && t->trips.n == 0) {
        dim most = limit != DIM_BAD ? limit : infer_int(a, MOST_TRIPS);
        if (trips == DIM_BAD) trips = infer_result_symbol(a, "trips", most);
        t->trips = dim_list_of(a->g->a, 1, &trips);
    } else if (*out_n > n && trips == DIM_BAD) {
        infer_bound_result(a, t->trips.at[0], limit);
    }
    for (uint32_t i = n; i < *out_n; i++) out[i] = with_axis(a, result(a, r, 1 + i), 0, t->trips.at[0]);
    return FRIT_OK;
}

/* Lists of a scan_loop node; axes are normalised against the outer ranks. */
static frit_status scan_lists(cx *c, const infer_args *a, const region *r) {
    attr_scan_loop *t = a->attrs;
    bool fits = t->n_carried >= 0 && t->n_carried <= INT32_MAX && (uint64_t)t->n_carried + t->in_axes.n <= a->n_in &&
                r->params.n == a->n_in && r->results.n == (uint64_t)t->n_carried + t->out_axes.n;
    if (!fits)
        return infer_fail(c, a, FRIT_TYPE,
                          "body of %u parameters and %u results does not fit %u operands, %lld carried, %u scanned in, "
                          "%u out",
                          r->params.n, r->results.n, a->n_in, (long long)t->n_carried, t->in_axes.n, t->out_axes.n);
    TRY(infer_ints(c, a, &t->in_reverse, "in_reverse", t->in_axes.n, 0, 0));
    return infer_ints(c, a, &t->out_reverse, "out_reverse", t->out_axes.n, 0, 0);
}

frit_status infer_scan_loop(cx *c, const infer_args *a, tensor_type *out, uint32_t *out_n) {
    attr_scan_loop *t = a->attrs;
    TRY(has_regions(c, a, 1));
    const region *r = body_of(a, 0);
    TRY(scan_lists(c, a, r));
    uint32_t n = (uint32_t)t->n_carried;
    dim trips = infer_int(a, 1);
    int64_t *in_axes = ARENA_ARRAY(a->g->a, int64_t, t->in_axes.n),
            *out_axes = ARENA_ARRAY(a->g->a, int64_t, t->out_axes.n);
    for (uint32_t i = 0; i < a->n_in; i++) {
        tensor_type x = *infer_in(a, i);
        bool is_scanned = i >= n && i < n + t->in_axes.n;
        if (is_scanned) {
            in_axes[i - n] = t->in_axes.at[i - n];
            TRY(infer_axis(c, a, &in_axes[i - n], x.rank));
            dim extent = x.shape[in_axes[i - n]];
            if (i > n) TRY(infer_match(c, a, trips, extent, "scanned lengths"));
            if (i == n) trips = extent;
            dim *shape = infer_new_shape(a, x.rank);
            for (uint32_t k = 0, m = 0; k < x.rank; k++)
                if (k != (uint32_t)in_axes[i - n]) shape[m++] = x.shape[k];
            x = (tensor_type){x.dt, x.rank - 1, shape};
        }
        TRY(same_type(c, a, param(a, r, i), &x, "parameter and operand"));
    }
    *out_n = r->results.n;
    for (uint32_t i = 0; i < n; i++) {
        out[i] = *infer_in(a, i);
        TRY(same_after(c, a, &out[i], result(a, r, i)));
    }
    for (uint32_t i = n; i < *out_n; i++) {
        const tensor_type *x = result(a, r, i);
        TRY(is_of_fixed_extents(c, a, x));
        out_axes[i - n] = t->out_axes.at[i - n];
        TRY(infer_axis(c, a, &out_axes[i - n], x->rank + 1));
        out[i] = with_axis(a, x, (uint32_t)out_axes[i - n], trips);
    }
    t->in_axes.at = in_axes;
    t->out_axes.at = out_axes;
    return FRIT_OK;
}
