/* Result types of operators with regions; they also check the regions' parameters and results. */
#include <string.h>

#include "ir/infer.h"

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

/* Two types that a value has inside and outside of a region. */
static frit_status same_type(cx *c, const infer_args *a, const tensor_type *x, const tensor_type *y, const char *what) {
    if (x->dt != y->dt)
        return infer_fail(c, a, FRIT_TYPE, "%s are %s and %s", what, dtype_name(x->dt), dtype_name(y->dt));
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
    for (uint32_t i = 0; i < *out_n; i++) {
        out[i] = *result(a, then_r, i);
        TRY(same_type(c, a, &out[i], result(a, else_r, i), "results of the two regions"));
    }
    return FRIT_OK;
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
    for (uint32_t i = 0; i < n; i++)
        TRY(same_type(c, a, infer_in(a, 2 + i), result(a, r, 1 + i), "carried value before and after"));
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
        TRY(same_type(c, a, &out[i], result(a, r, i), "carried value before and after"));
    }
    for (uint32_t i = n; i < *out_n; i++) {
        const tensor_type *x = result(a, r, i);
        out_axes[i - n] = t->out_axes.at[i - n];
        TRY(infer_axis(c, a, &out_axes[i - n], x->rank + 1));
        out[i] = with_axis(a, x, (uint32_t)out_axes[i - n], trips);
    }
    t->in_axes.at = in_axes;
    t->out_axes.at = out_axes;
    return FRIT_OK;
}
