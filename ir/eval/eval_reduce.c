/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reductions, scans, softmax and normalisations. Sums are f64 (floats) or wrap in 64 bits (integers). */
#include <math.h>

#include "ir/eval/eval_ops.h"

/* A running reduction: f for floats (sum for their sums), i for integers and bools, index of the extremum. */
typedef struct accumulator {
    double f;
    f64_sum sum;
    int64_t i, index;
    bool is_empty; /* nothing taken in yet */
} accumulator;

static bool is_arg(reduce_kind kind) { return kind >= RK_argmax; }

/* Whether v takes the place of the extremum. The first NaN wins and stays (the last one for *_last). */
static bool replaces(reduce_kind kind, dtype dt, const accumulator *acc, scalar v) {
    bool is_max = kind == RK_max || kind == RK_argmax || kind == RK_argmax_last;
    bool takes_ties = kind == RK_argmax_last || kind == RK_argmin_last;
    if (acc->is_empty) return true;
    if (dtype_is_float(dt)) {
        if (isnan(acc->f)) return takes_ties && isnan(v.f);
        if (isnan(v.f) || (takes_ties && v.f == acc->f)) return true;
        return is_max ? v.f > acc->f : v.f < acc->f;
    }
    if (takes_ties && v.i == acc->i) return true;
    if (dtype_kind_of(dt) == DTYPE_UINT) return is_max ? v.u > (uint64_t)acc->i : v.u < (uint64_t)acc->i;
    return is_max ? v.i > acc->i : v.i < acc->i;
}

static void accumulate(reduce_kind kind, dtype dt, accumulator *acc, scalar v, int64_t index) {
    if (kind == RK_sum) {
        if (dtype_is_float(dt)) sum_add(&acc->sum, v.f);
        acc->i = (int64_t)((uint64_t)acc->i + v.u);
    } else if (kind == RK_prod) {
        acc->f *= dtype_is_float(dt) ? v.f : 1;
        acc->i = (int64_t)((uint64_t)acc->i * v.u);
    } else if (replaces(kind, dt, acc, v)) {
        acc->f = v.f;
        acc->i = v.i;
        acc->index = index;
    }
    acc->is_empty = false;
}

/* The lowest or highest value of dt: what an empty max or min gives. */
static scalar extreme(dtype dt, bool highest) {
    if (dt == FRIT_DT_BOOL) return (scalar){.i = highest};
    if (dtype_is_float(dt)) return dtype_convert(FRIT_DT_F64, dt, (scalar){.f = highest ? INFINITY : -INFINITY}, true);
    return dtype_convert(FRIT_DT_F64, dt, (scalar){.f = highest ? 1e300 : -1e300}, true);
}

static accumulator accumulator_new(reduce_kind kind) {
    bool is_prod = kind == RK_prod;
    return (accumulator){.f = is_prod, .i = is_prod, .is_empty = true};
}

static void accumulator_store(reduce_kind kind, dtype dt, const accumulator *acc, tensor *out, int64_t to) {
    if (is_arg(kind))
        ((int64_t *)out->data)[to] = acc->index;
    else if (acc->is_empty && (kind == RK_max || kind == RK_min))
        dtype_store(dt, out->data, (size_t)to, extreme(dt, kind == RK_min));
    else if (dtype_is_float(dt))
        store_f64(out, to, kind == RK_sum ? sum_value(&acc->sum) : acc->f);
    else
        store_u64(out, to, (uint64_t)acc->i);
}

/* Splits x's axes into kept ones (walk) and reduced ones (walk), operand 0 of each at x's strides. */
static frit_status split_axes(eval_cx *e, const node *n, const tensor *x, int_list axes, walk *kept, walk *reduced) {
    bool is_reduced[MAX_RANK] = {false};
    int64_t strides[MAX_RANK];
    strides_of(x->rank, x->shape, strides);
    for (uint32_t i = 0; i < axes.n; i++) {
        uint32_t axis;
        TRY(axis_check(e, n, axes.at[i], x->rank, &axis));
        is_reduced[axis] = true;
    }
    for (uint32_t i = 0; i < x->rank; i++) walk_axis(is_reduced[i] ? reduced : kept, x->shape[i], strides[i], 0, 0);
    return FRIT_OK;
}

static frit_status run_reduce(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const attr_reduce *at = n->attrs;
    walk kept = {0}, reduced = {0};
    TRY(split_axes(e, n, in, at->axes, &kept, &reduced));
    TRY(result_alloc(e, n, 0, is_arg(at->kind) ? FRIT_DT_I64 : in->dt, kept.n, kept.extent, out));
    int64_t to = 0;
    for (bool more = walk_start(&kept); more; more = walk_next(&kept)) {
        accumulator acc = accumulator_new(at->kind);
        int64_t index = 0;
        for (bool inner = walk_start(&reduced); inner; inner = walk_next(&reduced))
            accumulate(at->kind, in->dt, &acc, dtype_load(in->dt, in->data, (size_t)(kept.off[0] + reduced.off[0])),
                       index++);
        if (acc.is_empty && is_arg(at->kind))
            return FAIL(e->c, RANGE, node_where(e, n), "reduce: argmax or argmin over no elements");
        accumulator_store(at->kind, in->dt, &acc, out, to++);
    }
    return FRIT_OK;
}
const eval_row row_reduce = {.run = run_reduce};

static frit_status run_scan(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const attr_scan *at = n->attrs;
    uint32_t axis;
    TRY(axis_check(e, n, at->axis, in->rank, &axis));
    TRY(result_like(e, n, is_arg(at->kind) ? FRIT_DT_I64 : in->dt, in, out));
    int64_t strides[MAX_RANK], extent = in->shape[axis];
    strides_of(in->rank, in->shape, strides);
    walk lines = {0};
    for (uint32_t i = 0; i < in->rank; i++) walk_axis(&lines, i == axis ? 1 : in->shape[i], strides[i], 0, 0);
    for (bool more = walk_start(&lines); more && extent > 0; more = walk_next(&lines)) {
        accumulator acc = accumulator_new(at->kind);
        for (int64_t step = 0; step < extent; step++) {
            int64_t p = at->reverse ? extent - 1 - step : step, where = lines.off[0] + p * strides[axis];
            if (at->exclusive) accumulator_store(at->kind, in->dt, &acc, out, where);
            accumulate(at->kind, in->dt, &acc, dtype_load(in->dt, in->data, (size_t)where), p);
            if (!at->exclusive) accumulator_store(at->kind, in->dt, &acc, out, where);
        }
    }
    return FRIT_OK;
}
const eval_row row_scan = {.run = run_scan};

/* ---- softmax ---- */

/* exp(x - max) / sum, or its logarithm, of count elements with a stride. */
static void softmax_line(const double *x, int64_t from, int64_t stride, int64_t count, bool is_log, tensor *out) {
    double max = -INFINITY;
    f64_sum exps = {0};
    for (int64_t i = 0; i < count; i++) max = fmax(max, x[from + i * stride]);
    for (int64_t i = 0; i < count; i++) sum_add(&exps, exp(x[from + i * stride] - max));
    double sum = sum_value(&exps);
    for (int64_t i = 0; i < count; i++) {
        double shifted = x[from + i * stride] - max;
        store_f64(out, from + i * stride, is_log ? shifted - log(sum) : exp(shifted) / sum);
    }
}

static frit_status softmax_along(eval_cx *e, const node *n, const tensor *in, tensor *out, bool is_log) {
    uint32_t axis;
    TRY(axis_check(e, n, ((const attr_axis *)n->attrs)->axis, in->rank, &axis));
    TRY(result_like(e, n, in->dt, in, out));
    const double *x = load_f64(e, in);
    int64_t outer = shape_product(axis, in->shape), extent = in->shape[axis];
    int64_t inner = shape_product(in->rank - axis - 1, in->shape + axis + 1);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) softmax_line(x, o * extent * inner + i, inner, extent, is_log, out);
    return FRIT_OK;
}

static frit_status run_softmax(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    return softmax_along(e, n, in, out, false);
}
const eval_row row_softmax = {.run = run_softmax};

static frit_status run_log_softmax(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    return softmax_along(e, n, in, out, true);
}
const eval_row row_log_softmax = {.run = run_log_softmax};

/* ---- normalisations ---- */

static double mean_of(const double *x, int64_t n) {
    f64_sum sum = {0};
    for (int64_t i = 0; i < n; i++) sum_add(&sum, x[i]);
    return sum_value(&sum) / (double)n;
}

static double mean_square(const double *x, int64_t n, double centre) {
    f64_sum sum = {0};
    for (int64_t i = 0; i < n; i++) sum_add(&sum, (x[i] - centre) * (x[i] - centre));
    return sum_value(&sum) / (double)n;
}

/* A parameter broadcast against the axes first.. of x, as f64 of one block. Absent (NULL): otherwise everywhere. */
static frit_status block_parameter(eval_cx *e, const node *n, const tensor *x, uint32_t first, const tensor *p,
                                   double otherwise, double **out) {
    uint32_t rank = x->rank - first;
    const int64_t *shape = x->shape + first;
    int64_t count = shape_product(rank, shape), strides[MAX_RANK] = {0}, to = 0;
    double *block = ARENA_ARRAY(e->c->scratch, double, count + 1);
    if (p && !broadcast_strides(p, rank, shape, strides))
        return FAIL(e->c, SHAPE, node_where(e, n), "%s: scale or bias does not fit", op_name(n->op));
    const double *from = p ? load_f64(e, p) : NULL;
    walk w = {0};
    for (uint32_t i = 0; i < rank; i++) walk_axis(&w, shape[i], strides[i], 0, 0);
    for (bool more = walk_start(&w); more; more = walk_next(&w)) block[to++] = from ? from[w.off[0]] : otherwise;
    *out = block;
    return FRIT_OK;
}

static frit_status norm_rows(eval_cx *e, const node *n, const tensor *in, tensor *out, bool is_centred) {
    const attr_norm *at = n->attrs;
    uint32_t axis;
    double *scale, *bias;
    TRY(axis_check(e, n, at->axis, in->rank, &axis));
    TRY(result_like(e, n, in->dt, in, out));
    TRY(block_parameter(e, n, in, axis, &in[1], 1, &scale));
    TRY(block_parameter(e, n, in, axis, n->n_in > 2 ? &in[2] : NULL, 0, &bias));
    const double *x = load_f64(e, in);
    int64_t rows = shape_product(axis, in->shape), size = shape_product(in->rank - axis, in->shape + axis);
    for (int64_t r = 0; r < rows; r++, x += size) {
        double mean = is_centred ? mean_of(x, size) : 0, inverse = 1 / sqrt(mean_square(x, size, mean) + at->eps);
        for (int64_t i = 0; i < size; i++) store_f64(out, r * size + i, (x[i] - mean) * inverse * scale[i] + bias[i]);
    }
    return FRIT_OK;
}

static frit_status run_layer_norm(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    return norm_rows(e, n, in, out, true);
}
const eval_row row_layer_norm = {.run = run_layer_norm};

static frit_status run_rms_norm(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    return norm_rows(e, n, in, out, false);
}
const eval_row row_rms_norm = {.run = run_rms_norm};

/* Channels of x (axis 1), after checking that the operands 1.. hold one element each. */
static frit_status channels_of(eval_cx *e, const node *n, const tensor *in, int64_t *out) {
    bool fits = in->rank >= 2;
    for (uint32_t k = 1; k < n->n_in && fits; k++) fits = tensor_count(&in[k]) == in->shape[1];
    if (!fits) return FAIL(e->c, SHAPE, node_where(e, n), "%s: one parameter for each channel", op_name(n->op));
    *out = in->shape[1];
    return FRIT_OK;
}

static frit_status run_batch_norm(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    int64_t channels;
    TRY(channels_of(e, n, in, &channels));
    TRY(result_like(e, n, in->dt, in, out));
    const double *x = load_f64(e, in), *scale = load_f64(e, &in[1]), *bias = load_f64(e, &in[2]);
    const double *mean = load_f64(e, &in[3]), *var = load_f64(e, &in[4]);
    double eps = ((const attr_norm *)n->attrs)->eps;
    int64_t count = tensor_count(in), inner = shape_product(in->rank - 2, in->shape + 2);
    for (int64_t i = 0; i < count; i++) {
        int64_t c = i / inner % channels;
        store_f64(out, i, (x[i] - mean[c]) / sqrt(var[c] + eps) * scale[c] + bias[c]);
    }
    return FRIT_OK;
}
const eval_row row_batch_norm = {.run = run_batch_norm};

/* Normalises runs of (channels / groups) channels of each item of the batch, then scales each channel. */
static frit_status norm_groups(eval_cx *e, const node *n, const tensor *in, tensor *out, int64_t groups, double eps) {
    int64_t channels;
    TRY(channels_of(e, n, in, &channels));
    if (groups == 0) groups = channels;
    if (groups < 0 || (channels > 0 && channels % groups != 0))
        return FAIL(e->c, SHAPE, node_where(e, n), "%s: channels are not a multiple of groups", op_name(n->op));
    TRY(result_like(e, n, in->dt, in, out));
    const double *x = load_f64(e, in), *scale = load_f64(e, &in[1]), *bias = load_f64(e, &in[2]);
    int64_t inner = shape_product(in->rank - 2, in->shape + 2), count = tensor_count(in);
    int64_t size = count ? channels / groups * inner : 1;
    for (int64_t from = 0; from < count; from += size) {
        double mean = mean_of(x + from, size), inverse = 1 / sqrt(mean_square(x + from, size, mean) + eps);
        for (int64_t i = from; i < from + size; i++) {
            int64_t c = i / inner % channels;
            store_f64(out, i, (x[i] - mean) * inverse * scale[c] + bias[c]);
        }
    }
    return FRIT_OK;
}

static frit_status run_instance_norm(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    return norm_groups(e, n, in, out, 0, ((const attr_norm *)n->attrs)->eps);
}
const eval_row row_instance_norm = {.run = run_instance_norm};

static frit_status run_group_norm(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const attr_group_norm *at = n->attrs;
    return norm_groups(e, n, in, out, at->groups ? at->groups : -1, at->eps);
}
const eval_row row_group_norm = {.run = run_group_norm};

/* ONNX LRN: channels c - floor((size - 1) / 2) .. c + ceil((size - 1) / 2). */
static frit_status run_lrn(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const attr_lrn *at = n->attrs;
    if (in->rank < 2 || at->size < 1) return FAIL(e->c, SHAPE, node_where(e, n), "lrn: needs channels and a size");
    TRY(result_like(e, n, in->dt, in, out));
    const double *x = load_f64(e, in);
    int64_t channels = in->shape[1], inner = shape_product(in->rank - 2, in->shape + 2), count = tensor_count(in);
    int64_t before = (at->size - 1) / 2, after = at->size - 1 - before;
    for (int64_t i = 0; i < count; i++) {
        int64_t c = i / inner % channels;
        int64_t lo = c < before ? 0 : c - before, hi = after >= channels - c ? channels - 1 : c + after;
        double sum = 0;
        for (int64_t k = lo; k <= hi; k++) sum += pow(x[i + (k - c) * inner], 2);
        store_f64(out, i, x[i] / pow(at->bias + at->alpha / (double)at->size * sum, at->beta));
    }
    return FRIT_OK;
}
const eval_row row_lrn = {.run = run_lrn};
