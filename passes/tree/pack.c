/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Constant matrices in the order that the matrix micro-kernel streams them: panels of `panel` columns, each n_k rows of
 * contiguous columns; columns beyond the last are zero. In packs (bytes for integer dot products) each column holds
 * `k_pack` steps of k side by side, and the steps beyond the last are zero too. Weights of 3 x 3 windows can be
 * transformed on the way. Nothing is packed here: the constant knows how to make each of its panels when the artifact
 * is written. */
#include "passes/tree/pack.h"

#include <string.h>

/* Rows of k that are transposed together: a cache line of 4-byte elements. */
enum { K_TILE = 16 };

typedef struct pack_job {
    pack_request request;
    size_t bytes;  /* of an element; 0: it is narrower than a byte */
    unsigned bits; /* of an element */
} pack_job;

/* k rows [k0, k1) of a panel whose columns are n elements apart by col_stride; element by element. */
static void pack_rows(const pack_job *j, const uint8_t *src, uint8_t *dst, int64_t k0, int64_t k1, int64_t n) {
    const pack_request *r = &j->request;
    for (int64_t col = 0; col < n; col++) {
        const uint8_t *column = src + (size_t)(col * r->col_stride) * j->bytes;
        uint8_t *to = dst + (size_t)(k0 * r->panel + col) * j->bytes;
        for (int64_t k = k0; k < k1; k++) {
            const uint8_t *from = column + (size_t)r->k_offsets[k] * j->bytes;
            if (j->bytes == 4)
                memcpy(to, from, 4);
            else
                memcpy(to, from, j->bytes);
            to += (size_t)r->panel * j->bytes;
        }
    }
}

/* A panel in packs: [n_k / k_pack][panel][k_pack]. */
static void pack_k_packs(const pack_job *j, const uint8_t *src, uint8_t *dst, int64_t n) {
    const pack_request *r = &j->request;
    for (int64_t k = 0; k < r->n_k; k++) {
        const uint8_t *from = src + (size_t)r->k_offsets[k] * j->bytes;
        uint8_t *to = dst + (size_t)(k / r->k_pack * r->panel * r->k_pack + k % r->k_pack) * j->bytes;
        for (int64_t col = 0; col < n; col++) {
            memcpy(to, from, j->bytes);
            from += (size_t)r->col_stride * j->bytes;
            to += (size_t)r->k_pack * j->bytes;
        }
    }
}

/* A panel of elements narrower than a byte, the first in the lowest bits. dst is zero. */
static void pack_narrow(const pack_job *j, uint8_t *dst, int64_t first, int64_t n) {
    const pack_request *r = &j->request;
    const uint8_t *src = r->data->bytes;
    const unsigned per_byte = 8 / j->bits, mask = (1u << j->bits) - 1;
    for (int64_t k = 0; k < r->n_k; k++) {
        for (int64_t col = 0; col < n; col++) {
            size_t from = (size_t)(r->base + r->k_offsets[k] + (first + col) * r->col_stride);
            size_t to = (size_t)(k * r->panel + col);
            unsigned element = src[from / per_byte] >> from % per_byte * j->bits & mask;
            dst[to / per_byte] = (uint8_t)(dst[to / per_byte] | element << to % per_byte * j->bits);
        }
    }
}

static int64_t padded_k(const pack_request *r) { return (r->n_k + r->k_pack - 1) / r->k_pack * r->k_pack; }

static void pack_panel(const void *data, uint32_t p, void *out) {
    const pack_job *j = data;
    const pack_request *r = &j->request;
    int64_t first = p * r->panel, n = r->n_cols - first < r->panel ? r->n_cols - first : r->panel;
    if (!j->bytes) {
        memset(out, 0, (size_t)(padded_k(r) * r->panel) * j->bits / 8);
        pack_narrow(j, out, first, n);
        return;
    }
    const uint8_t *src = (const uint8_t *)r->data->bytes + (size_t)(r->base + first * r->col_stride) * j->bytes;
    uint8_t *dst = out;
    if (n < r->panel || padded_k(r) > r->n_k) memset(dst, 0, (size_t)(padded_k(r) * r->panel) * j->bytes);
    if (r->k_pack > 1) {
        pack_k_packs(j, src, dst, n);
        return;
    }
    for (int64_t k = 0; k < r->n_k; k += K_TILE) {
        int64_t end = k + K_TILE < r->n_k ? k + K_TILE : r->n_k;
        if (r->col_stride != 1) {
            pack_rows(j, src, dst, k, end, n);
            continue;
        }
        for (int64_t i = k; i < end; i++)
            memcpy(dst + (size_t)(i * r->panel) * j->bytes, src + (size_t)r->k_offsets[i] * j->bytes,
                   (size_t)n * j->bytes);
    }
}

const const_data *pack_panels(arena *a, const pack_request *r) {
    unsigned bits = dtype_bits(r->data->dt);
    int64_t n_panels = (r->n_cols + r->panel - 1) / r->panel;
    pack_job *job = ARENA_NEW(a, pack_job);
    *job = (pack_job){*r, bits / 8, bits};
    job->request.k_offsets = arena_copy(a, r->k_offsets, (size_t)r->n_k * sizeof *r->k_offsets);
    const_maker *maker = ARENA_NEW(a, const_maker);
    *maker = (const_maker){(uint32_t)n_panels, (size_t)(padded_k(r) * r->panel) * bits / 8, pack_panel, job};
    uint32_t rank = r->k_pack > 1 ? 4 : 3;
    int64_t *dims = ARENA_ARRAY(a, int64_t, 4);
    dims[0] = n_panels;
    dims[1] = padded_k(r) / r->k_pack;
    dims[2] = r->panel;
    dims[3] = r->k_pack;
    const_data *d = ARENA_NEW(a, const_data);
    *d = (const_data){.kind = CONST_MADE, .dt = r->data->dt, .dims = {rank, dims}, .maker = maker};
    return d;
}

/* ---- transformed weights */

enum { SIDE = 4, TAPS = 3, POINTS = SIDE * SIDE };

/* G g of three numbers that lie `step` apart. */
static void transform_taps(const double *g, size_t step, double out[SIDE]) {
    out[0] = g[0];
    out[1] = (g[0] + g[step] + g[2 * step]) / 2;
    out[2] = (g[0] - g[step] + g[2 * step]) / 2;
    out[3] = g[2 * step];
}

/* G g G' of the window that begins at src; made in f64, rounded once. */
static void transform_window(const float *src, const int64_t steps[2], float out[POINTS]) {
    double g[TAPS * TAPS], half[TAPS][SIDE], whole[SIDE];
    for (int64_t i = 0; i < TAPS; i++)
        for (int64_t j = 0; j < TAPS; j++) g[i * TAPS + j] = (double)src[i * steps[0] + j * steps[1]];
    for (size_t j = 0; j < TAPS; j++) transform_taps(g + j, TAPS, half[j]);
    for (size_t i = 0; i < SIDE; i++) {
        const double row[TAPS] = {half[0][i], half[1][i], half[2][i]};
        transform_taps(row, 1, whole);
        for (size_t j = 0; j < SIDE; j++) out[i * SIDE + j] = (float)whole[j];
    }
}

/* Part: the columns of a block. */
static void pack_transformed_block(const void *data, uint32_t part, void *out) {
    const pack_transformed *t = data;
    const pack_request *r = &t->of;
    const float *src = r->data->bytes;
    float *dst = out, point[POINTS];
    int64_t plane = t->n_panels * r->n_k * r->panel, width = t->n_panels * r->panel;
    for (int64_t i = 0; i < width; i++) {
        int64_t col = part * width + i;
        float *to = dst + i / r->panel * r->n_k * r->panel + i % r->panel;
        for (int64_t k = 0; k < r->n_k; k++, to += r->panel) {
            memset(point, 0, sizeof point);
            if (col < r->n_cols)
                transform_window(src + r->base + r->k_offsets[k] + col * r->col_stride, t->tap_steps, point);
            for (int64_t p = 0; p < POINTS; p++) to[p * plane] = point[p];
        }
    }
}

const const_data *pack_winograd(arena *a, const pack_transformed *r) {
    pack_transformed *job = ARENA_NEW(a, pack_transformed);
    *job = *r;
    job->of.k_offsets = arena_copy(a, r->of.k_offsets, (size_t)r->of.n_k * sizeof *r->of.k_offsets);
    const int64_t shape[] = {r->n_blocks, POINTS, r->n_panels, r->of.n_k, r->of.panel};
    size_t part = sizeof(float);
    for (size_t i = 1; i < countof(shape); i++) part *= (size_t)shape[i];
    const_maker *maker = ARENA_NEW(a, const_maker);
    *maker = (const_maker){(uint32_t)r->n_blocks, part, pack_transformed_block, job};
    const_data *d = ARENA_NEW(a, const_data);
    *d = (const_data){.kind = CONST_MADE,
                      .dt = FRIT_DT_F32,
                      .dims = {countof(shape), arena_copy(a, shape, sizeof shape)},
                      .maker = maker};
    return d;
}

const const_data *pack_transposed(cx *c, const const_data *d, uint32_t along) {
    size_t bytes = dtype_bits(d->dt) / 8, outer = 1, inner = 1, n = (size_t)d->dims.at[along];
    for (uint32_t i = 0; i < d->dims.n; i++) {
        if (i < along) outer *= (size_t)d->dims.at[i];
        if (i > along) inner *= (size_t)d->dims.at[i];
    }
    int64_t *dims = ARENA_ARRAY(c->job, int64_t, d->dims.n + 1u);
    for (uint32_t i = 0, to = 0; i < d->dims.n; i++)
        if (i != along) dims[to++] = d->dims.at[i];
    dims[d->dims.n - 1] = (int64_t)n;
    uint8_t *transposed = arena_alloc_aligned(c->job, outer * n * inner * bytes + 1, 64);
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < inner; j++)
                memcpy(transposed + ((o * inner + j) * n + i) * bytes,
                       (const uint8_t *)d->bytes + ((o * n + i) * inner + j) * bytes, bytes);
    const_data *out = ARENA_NEW(c->job, const_data);
    *out = (const_data){.kind = CONST_DENSE, .dt = d->dt, .dims = {d->dims.n, dims}, .bytes = transposed};
    return out;
}
