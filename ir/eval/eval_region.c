/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Control flow. A region's parameters are bound for each run of it; symbols of its parameters follow their tensors. */
#include <string.h>

#include "ir/eval/eval_ops.h"

/* Moves the first n_out results to the node's, checking their types. */
static frit_status take_results(eval_cx *e, const node *n, uint32_t first, uint32_t count, const tensor *from,
                                tensor *out) {
    for (uint32_t i = 0; i < count; i++) {
        out[first + i] = from[i];
        if (n->out != VALUE_NONE) TRY(value_bind(e, n->out + first + i, &from[i], node_where(e, n)));
    }
    return FRIT_OK;
}

static bool truth(const tensor *t) { return load_index(t, 0) != 0; }

static frit_status run_if(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    if (tensor_count(in) != 1 || n->n_regions != 2)
        return FAIL(e->c, SHAPE, node_where(e, n), "if: the condition is not a scalar");
    region_id r = n->regions[truth(in) ? 0 : 1];
    const region *body = &e->g->regions.at[r];
    if (body->results.n != n->n_out || body->params.n > n->n_in - 1)
        return FAIL(e->c, SHAPE, node_where(e, n), "if: a region has the wrong number of parameters or results");
    tensor *results = ARENA_ARRAY(e->a, tensor, n->n_out + 1);
    TRY(region_eval(e, r, in + 1, results));
    return take_results(e, n, 0, n->n_out, results, out);
}
const eval_row row_if = {.run = run_if};

/* One scanned result: the slices of all steps so far. */
typedef VEC(tensor) slice_list;

/* Stacks slices along a new axis, first to last or reversed. Without any, the shape comes from the inferred type of v
 * with unknown extents 0. */
static frit_status stack_slices(eval_cx *e, const node *n, value_id v, const slice_list *slices, int64_t axis,
                                bool reverse, tensor *out) {
    const tensor_type *ty = graph_type(e->g, v);
    tensor like = {.dt = ty->dt, .rank = ty->rank};
    for (uint32_t i = 0; i < ty->rank && slices->n == 0; i++) {
        cx quiet = *e->c;
        eval_cx probe = *e;
        probe.c = &quiet;
        if (node_dim(&probe, n, ty->shape[i], &like.shape[i]) != FRIT_OK) like.shape[i] = 0;
    }
    if (slices->n) like = slices->at[0];
    uint32_t at;
    int64_t shape[MAX_RANK];
    if (like.rank + 1 > MAX_RANK) return FAIL(e->c, SHAPE, node_where(e, n), "a scanned result has too many axes");
    TRY(axis_check(e, n, axis, like.rank + 1, &at));
    for (uint32_t i = 0; i <= like.rank; i++)
        shape[i] = i < at ? like.shape[i] : i > at ? like.shape[i - 1] : slices->n;
    TRY(tensor_alloc(e->c, e->a, like.dt, like.rank + 1, shape, out));
    int64_t outer = shape_product(at, shape), inner = shape_product(like.rank - at, shape + at + 1);
    for (uint32_t s = 0; s < slices->n; s++) {
        const tensor *t = &slices->at[reverse ? slices->n - 1 - s : s];
        if (t->rank != like.rank || memcmp(t->shape, like.shape, like.rank * sizeof *t->shape) != 0)
            return FAIL(e->c, SHAPE, node_where(e, n), "a scanned result changes its shape from step to step");
        for (int64_t i = 0; i < outer * inner; i++)
            copy_element(like.dt, out->data, (i / inner * slices->n + s) * inner + i % inner, t->data, i);
    }
    return FRIT_OK;
}

static bool fits_counts(int64_t carried, uint32_t n_out, uint32_t n_in, uint32_t n_params, uint32_t n_results) {
    return carried >= 0 && carried <= n_out && carried <= n_in && n_params == n_in && n_results >= carried;
}

static frit_status run_while(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const region *body = &e->g->regions.at[n->regions[0]];
    int64_t given = ((const attr_while *)n->attrs)->n_carried;
    if (!fits_counts(given, n->n_out, n->n_in - 2, body->params.n - 2, body->results.n - 1) ||
        body->results.n != n->n_out + 1)
        return FAIL(e->c, SHAPE, node_where(e, n), "while: parameters and results do not fit");
    uint32_t carried = (uint32_t)given, n_scanned = n->n_out - carried;
    int64_t limit = load_index(&in[0], 0);
    bool goes_on = truth(&in[1]);
    tensor *params = ARENA_ARRAY(e->a, tensor, n->n_in), *results = ARENA_ARRAY(e->a, tensor, body->results.n);
    slice_list *scanned = ARENA_ARRAY(e->a, slice_list, n_scanned + 1);
    memcpy(params, in, n->n_in * sizeof *in);
    for (int64_t i = 0; i < limit && goes_on; i++) {
        TRY(cx_poll(e->c));
        TRY(tensor_alloc(e->c, e->a, FRIT_DT_I64, 0, NULL, &params[0]));
        *(int64_t *)params[0].data = i;
        TRY(region_eval(e, n->regions[0], params, results));
        goes_on = truth(&results[0]);
        params[1] = results[0];
        memcpy(params + 2, results + 1, carried * sizeof *params);
        for (uint32_t s = 0; s < n_scanned; s++) vec_push(e->a, scanned[s], results[1 + carried + s]);
    }
    TRY(take_results(e, n, 0, carried, params + 2, out));
    for (uint32_t s = 0; s < n_scanned; s++) {
        tensor stacked;
        TRY(stack_slices(e, n, body->results.at[1 + carried + s], &scanned[s], 0, false, &stacked));
        TRY(take_results(e, n, carried + s, 1, &stacked, out));
    }
    return FRIT_OK;
}
const eval_row row_while = {.run = run_while};

/* Slice i of x along axis, without that axis. */
static frit_status slice_of(eval_cx *e, const node *n, const tensor *x, int64_t axis, int64_t i, tensor *out) {
    uint32_t at;
    int64_t shape[MAX_RANK];
    TRY(axis_check(e, n, axis, x->rank, &at));
    for (uint32_t k = 0; k + 1 < x->rank; k++) shape[k] = x->shape[k < at ? k : k + 1];
    TRY(tensor_alloc(e->c, e->a, x->dt, x->rank - 1, shape, out));
    int64_t inner = shape_product(x->rank - at - 1, x->shape + at + 1), count = tensor_count(out);
    for (int64_t k = 0; k < count; k++)
        copy_element(x->dt, out->data, k, x->data, (k / inner * x->shape[at] + i) * inner + k % inner);
    return FRIT_OK;
}

/* Number of steps: the common extent of the scanned operands. */
static frit_status scan_length(eval_cx *e, const node *n, uint32_t n_scan, const tensor *scan, int64_t *out) {
    const attr_scan_loop *at = n->attrs;
    for (uint32_t s = 0; s < n_scan; s++) {
        uint32_t axis;
        TRY(axis_check(e, n, at->in_axes.at[s], scan[s].rank, &axis));
        if (s > 0 && scan[s].shape[axis] != *out)
            return FAIL(e->c, SHAPE, node_where(e, n), "scan_loop: scanned operands differ in length");
        *out = scan[s].shape[axis];
    }
    return FRIT_OK;
}

static frit_status run_scan_loop(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const attr_scan_loop *at = n->attrs;
    const region *body = &e->g->regions.at[n->regions[0]];
    uint32_t n_scan = at->in_axes.n;
    if (!fits_counts(at->n_carried, n->n_out, n->n_in, body->params.n, body->results.n) || n_scan == 0 ||
        at->n_carried + n_scan > n->n_in || body->results.n != n->n_out)
        return FAIL(e->c, SHAPE, node_where(e, n), "scan_loop: parameters and results do not fit");
    uint32_t carried = (uint32_t)at->n_carried, n_scanned = n->n_out - carried;
    int64_t length = 0;
    TRY(scan_length(e, n, n_scan, in + carried, &length));
    tensor *params = ARENA_ARRAY(e->a, tensor, n->n_in), *results = ARENA_ARRAY(e->a, tensor, n->n_out);
    slice_list *scanned = ARENA_ARRAY(e->a, slice_list, n_scanned + 1);
    memcpy(params, in, n->n_in * sizeof *in);
    for (int64_t i = 0; i < length; i++) {
        TRY(cx_poll(e->c));
        for (uint32_t s = 0; s < n_scan; s++) {
            int64_t from = list_or(at->in_reverse, s, 0) ? length - 1 - i : i;
            TRY(slice_of(e, n, &in[carried + s], at->in_axes.at[s], from, &params[carried + s]));
        }
        TRY(region_eval(e, n->regions[0], params, results));
        memcpy(params, results, carried * sizeof *params);
        for (uint32_t s = 0; s < n_scanned; s++) vec_push(e->a, scanned[s], results[carried + s]);
    }
    TRY(take_results(e, n, 0, carried, params, out));
    for (uint32_t s = 0; s < n_scanned; s++) {
        tensor stacked;
        TRY(stack_slices(e, n, body->results.at[carried + s], &scanned[s], list_or(at->out_axes, s, 0),
                         list_or(at->out_reverse, s, 0) != 0, &stacked));
        TRY(take_results(e, n, carried + s, 1, &stacked, out));
    }
    return FRIT_OK;
}
const eval_row row_scan_loop = {.run = run_scan_loop};
