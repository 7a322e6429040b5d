/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fourier transforms as products with tables of cosines and sines, window functions, the mel filter bank. Lengths are
 * constants; the tables are made in f64 while reading. */
#include <math.h>

#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

#define PI         3.14159265358979323846
#define MAX_LENGTH 16384 /* of a transform: its table is quadratic */

/* A constant tensor of dtype dt made of f64 values. */
static value_id table(reader *r, dtype dt, uint32_t rank, const int64_t *extents, const double *values) {
    int64_t count = 1;
    for (uint32_t i = 0; i < rank; i++) count *= extents[i];
    void *bytes = arena_alloc(r->c->job, dtype_bytes(dt, (size_t)count) + 1);
    for (int64_t i = 0; i < count; i++) dtype_store(dt, bytes, (size_t)i, dtype_from_f64(dt, values[i]));
    const_data d = {.kind = CONST_DENSE, .dt = dt, .dims = int_list_of(r->c->job, rank, extents), .bytes = bytes};
    value_id out;
    return !failed(r) && graph_const_bytes(r->c, r->g, &d, &out) == FRIT_OK ? out : VALUE_NONE;
}

/* What a transform does: n points read, `bins` written. */
typedef struct transform {
    int64_t n, bins;
    bool inverse, onesided, complex_in; /* onesided and inverse: half a spectrum in, real numbers out */
} transform;

/* Weight of input bin k in an inverse of half a spectrum: its mirror image counts too. */
static double mirrored_weight(const transform *t, int64_t k) {
    bool alone = k == 0 || (t->n % 2 == 0 && k == t->n / 2);
    return t->inverse && t->onesided ? (alone ? 1 : 2) : 1;
}

/* [points in, 2 or 1 parts, bins out, 2 or 1 parts]: out = in * this, summed over points and parts. */
static value_id transform_table(reader *r, dtype dt, const transform *t, int64_t points) {
    int64_t in_parts = t->complex_in ? 2 : 1, out_parts = t->inverse && t->onesided ? 1 : 2;
    double *v = ARENA_ARRAY(r->c->job, double, points *in_parts * t->bins * out_parts + 1);
    double scale = t->inverse ? 1.0 / (double)t->n : 1;
    for (int64_t p = 0; p < points; p++) {
        for (int64_t b = 0; b < t->bins; b++) {
            double angle = 2 * PI * (double)(p * b % t->n) / (double)t->n * (t->inverse ? 1 : -1);
            double w = scale * mirrored_weight(t, p), re = w * cos(angle), im = w * sin(angle);
            double parts[2][2] = {{re, im}, {-im, re}}; /* real in, imaginary in */
            for (int64_t i = 0; i < in_parts; i++)
                for (int64_t o = 0; o < out_parts; o++)
                    v[((p * in_parts + i) * t->bins + b) * out_parts + o] = parts[i][o];
        }
    }
    return table(r, dt, 4, (int64_t[]){points, in_parts, t->bins, out_parts}, v);
}

/* Transforms `axis` of x, whose last axis holds the parts of complex numbers. */
static value_id fourier(reader *r, value_id x, int64_t axis, transform t) {
    int64_t have, parts;
    uint32_t rank = rank_of(r, x);
    if (x == VALUE_NONE || !norm_axis(r, &axis, rank)) return VALUE_NONE;
    bool fits = dim_is_const(r->dims, extent_of(r, x, axis), &have) &&
                dim_is_const(r->dims, extent_of(r, x, -1), &parts) && t.n >= 1 && t.n <= MAX_LENGTH &&
                have <= MAX_LENGTH && (parts == 1 || parts == 2) && axis + 1 < (int64_t)rank;
    if (!fits) {
        fail_node(r, FRIT_UNSUPPORTED, "a transform of unknown or great length");
        return VALUE_NONE;
    }
    t.complex_in = parts == 2;
    t.bins = t.onesided && !t.inverse ? t.n / 2 + 1 : t.n;
    int64_t points = t.onesided && t.inverse ? t.n / 2 + 1 : t.n;
    if (have < points) points = have; /* what is missing counts as zero */
    x = make_slice(r, x, axis, dimi(r, 0), dimi(r, points), 1);
    value_id w = transform_table(r, dtype_of(r, x), &t, points);
    char lhs[MAX_RANK + 1] = {0}, out[MAX_RANK + 1] = {0};
    for (uint32_t i = 0; i < rank; i++) lhs[i] = (char)('a' + i), out[i] = lhs[i];
    lhs[axis] = 'P', lhs[rank - 1] = 'I', out[axis] = 'B', out[rank - 1] = 'O';
    return make(r, OP_contract, 2, (value_id[]){x, w}, &(attr_contract){.lhs = lhs, .rhs = "PIBO", .out = out});
}

void map_dft(reader *r, call *n) {
    value_id x = n->in[0];
    int64_t axis = attr_int(n, "axis", n->version < 20 ? 1 : -2), length = 0;
    int_list given = {0};
    transform t = {.inverse = attr_int(n, "inverse", 0) != 0, .onesided = attr_int(n, "onesided", 0) != 0};
    if (n->version >= 20 && has_in(n, 2)) {
        if (!want_ints(r, n, 2, &given) || given.n != 1) return;
        axis = given.at[0];
    }
    if (x == VALUE_NONE || !norm_axis(r, &axis, rank_of(r, x))) return;
    if (has_in(n, 1)) {
        if (!want_ints(r, n, 1, &given) || given.n != 1) return;
        length = given.at[0];
    } else if (dim_is_const(r->dims, extent_of(r, x, axis), &length) && t.inverse && t.onesided)
        length = 2 * (length - 1);
    t.n = length;
    n->out[0] = fourier(r, x, axis, t);
}

/* Frames of the signal every frame_step samples, weighted by the window, each transformed. */
void map_stft(reader *r, call *n) {
    value_id x = n->in[0], window = n->in[2];
    int_list step, length = {0};
    int64_t samples, size = 0;
    if (x == VALUE_NONE || !want_ints(r, n, 1, &step) || step.n != 1) return;
    if (has_in(n, 3) && (!want_ints(r, n, 3, &length) || length.n != 1)) return;
    if (length.n)
        size = length.at[0];
    else if (window != VALUE_NONE)
        dim_is_const(r->dims, extent_of(r, window, 0), &size);
    if (rank_of(r, x) == 2) x = make_unsqueeze(r, x, 2);
    bool fits = rank_of(r, x) == 3 && dim_is_const(r->dims, extent_of(r, x, 1), &samples) && size >= 1 &&
                size <= samples && size <= MAX_LENGTH && step.at[0] >= 1 && step.at[0] <= INT32_MAX;
    if (!fits) {
        fail_node(r, FRIT_UNSUPPORTED, "a signal or frames of unknown length");
        return;
    }
    int64_t axis = 1;
    attr_window a = {.axes = {1, &axis}, .sizes = {1, &size}, .strides = {1, step.at}};
    value_id frames = make(r, OP_window, 1, &x, &a); /* [B, frames, parts, size] */
    frames = make_swap(r, frames, 2, 3);
    if (window != VALUE_NONE) frames = mul(r, frames, make_unsqueeze(r, window, 1));
    n->out[0] = fourier(r, frames, 2, (transform){.n = size, .onesided = attr_int(n, "onesided", 1) != 0});
}

/* Sums of cosines: a0 - a1 cos(2 pi i / N) + a2 cos(4 pi i / N). */
static void window_function(reader *r, call *n, double a0, double a1, double a2) {
    dim_list size;
    dtype dt = attr_dtype(r, n, "output_datatype", FRIT_DT_F32);
    if (!want_dims(r, n, 0, &size) || size.n != 1) return;
    bool periodic = attr_int(n, "periodic", 1) != 0;
    dim count = periodic ? size.at[0] : dim_sub(r->dims, size.at[0], dimi(r, 1));
    dtype wide = dt == FRIT_DT_F64 ? dt : FRIT_DT_F32;
    value_id total = make_cast(r, make_reshape(r, make_from_dims(r, 1, &count), 0, NULL), wide);
    value_id angle = quotient(r, mul(r, make_iota(r, wide, size.at[0]), make_splat(r, wide, 2 * PI)), total);
    value_id y = sub(r, make_like(r, angle, a0), mul(r, make1(r, OP_cos, angle), make_like(r, angle, a1)));
    if (a2 != 0) {
        value_id twice = make1(r, OP_cos, mul(r, angle, make_like(r, angle, 2)));
        y = add(r, y, mul(r, twice, make_like(r, angle, a2)));
    }
    n->out[0] = make_cast(r, y, dt);
}

void map_hann_window(reader *r, call *n) { window_function(r, n, 0.5, 0.5, 0); }
void map_hamming_window(reader *r, call *n) { window_function(r, n, 25.0 / 46, 21.0 / 46, 0); }
void map_blackman_window(reader *r, call *n) { window_function(r, n, 0.42, 0.5, 0.08); }

static double mel_of(double hertz) { return 2595 * log10(1 + hertz / 700); }

/* Triangles over the spectrum, evenly spaced in mel, as the ONNX definition rounds them. */
void map_mel_weight_matrix(reader *r, call *n) {
    f64_list in[5];
    for (uint32_t i = 0; i < 5; i++)
        if (!want_floats(r, n, i, &in[i]) || in[i].n != 1) return;
    double bins = in[0].at[0], length = in[1].at[0], rate = in[2].at[0], low = mel_of(in[3].at[0]),
           high = mel_of(in[4].at[0]);
    if (!(bins >= 1 && bins <= 4096 && length >= 1 && length <= 65536 && rate > 0)) {
        fail_node(r, FRIT_RANGE, "a filter bank of unlikely size");
        return;
    }
    int64_t n_bins = (int64_t)bins, rows = (int64_t)length / 2 + 1;
    int64_t *edges = ARENA_ARRAY(r->c->job, int64_t, n_bins + 2);
    double *v = ARENA_ARRAY(r->c->job, double, rows *n_bins), step = (high - low) / (double)(n_bins + 2);
    for (int64_t i = 0; i < n_bins + 2; i++) {
        edges[i] = (int64_t)floor((length + 1) * 700 * (pow(10, ((double)i * step + low) / 2595) - 1) / rate);
        if (edges[i] < 0 || edges[i] >= rows) fail_node(r, FRIT_RANGE, "an edge frequency beyond the spectrum");
    }
    for (int64_t i = 0; i < n_bins && !failed(r); i++) {
        int64_t left = edges[i], centre = edges[i + 1], right = edges[i + 2];
        if (left == centre) v[centre * n_bins + i] = 1;
        for (int64_t j = left; j <= centre && left != centre; j++)
            v[j * n_bins + i] = (double)(j - left) / (double)(centre - left);
        for (int64_t j = centre; j < right; j++) v[j * n_bins + i] = (double)(right - j) / (double)(right - centre);
    }
    if (!failed(r))
        n->out[0] = table(r, attr_dtype(r, n, "output_datatype", FRIT_DT_F32), 2, (int64_t[]){rows, n_bins}, v);
}
