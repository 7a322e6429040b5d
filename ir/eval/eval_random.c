/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Random numbers and constant payloads.
 *
 * Element i of a random tensor depends on the seed and i only: r = Philox 4x32-10 with key (seed low, high) and counter
 * (i low, i high, 0, 0). From its four words:
 *   f64:        u = ((r0 >> 5) * 2^26 + (r1 >> 6)) * 2^-53, v the same of r2, r3
 *   all others: u = (r0 >> 8) * 2^-24, v = (r2 >> 8) * 2^-24
 *   uniform:    a + (b - a) * u
 *   normal:     a + b * sqrt(-2 ln(1 - u)) * cos(2 pi v)        (Box-Muller; a mean, b deviation)
 *   bernoulli:  u < a, as 1 or 0
 * Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011). */
#include <math.h>

#include "ir/eval/eval_ops.h"

void philox(uint64_t counter, uint64_t key, uint32_t out[4]) {
    uint32_t c[4] = {(uint32_t)counter, (uint32_t)(counter >> 32), 0, 0};
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = UINT64_C(0xD2511F53) * c[0], p1 = UINT64_C(0xCD9E8D57) * c[2];
        uint32_t next[4] = {(uint32_t)(p1 >> 32) ^ c[1] ^ k0, (uint32_t)p1, (uint32_t)(p0 >> 32) ^ c[3] ^ k1,
                            (uint32_t)p0};
        for (int i = 0; i < 4; i++) c[i] = next[i];
        k0 += 0x9E3779B9; /* golden ratio */
        k1 += 0xBB67AE85; /* sqrt(3) - 1 */
    }
    for (int i = 0; i < 4; i++) out[i] = c[i];
}

/* A number in [0, 1) of one or two words. */
static double unit(dtype dt, uint32_t hi, uint32_t lo) {
    if (dt == FRIT_DT_F64) return ((hi >> 5) * 67108864.0 + (lo >> 6)) * 0x1p-53;
    return (hi >> 8) * 0x1p-24;
}

static double random_element(random_kind kind, dtype dt, uint64_t seed, uint64_t i, double a, double b) {
    const double two_pi = 6.28318530717958647692;
    uint32_t r[4];
    philox(i, seed, r);
    double u = unit(dt, r[0], r[1]), v = unit(dt, r[2], r[3]);
    switch (kind) {
    case RD_uniform:
        return a + (b - a) * u;
    case RD_normal:
        return a + b * sqrt(-2 * log(1 - u)) * cos(two_pi * v);
    case RD_bernoulli:
        return u < a;
    }
    return 0;
}

static frit_status run_random(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    (void)in;
    const attr_random *at = n->attrs;
    int64_t shape[MAX_RANK];
    TRY(node_dims(e, n, at->dims, shape));
    TRY(result_alloc(e, n, 0, at->to, at->dims.n, shape, out));
    int64_t count = tensor_count(out);
    for (int64_t i = 0; i < count; i++)
        store_f64(out, i, random_element(at->kind, at->to, (uint64_t)at->seed, (uint64_t)i, at->a, at->b));
    return FRIT_OK;
}
const eval_row row_random = {.run = run_random};

frit_status eval_const(cx *c, arena *a, const const_data *d, tensor *out) {
    if (d->kind == CONST_DENSE) { /* borrowed: the evaluator never writes to an operand */
        *out = (tensor){.dt = d->dt, .rank = d->dims.n, .data = (void *)d->bytes};
        if (d->dims.n > MAX_RANK) return FAIL(c, SHAPE, d->key, "a constant of rank %u", d->dims.n);
        for (uint32_t i = 0; i < d->dims.n; i++) out->shape[i] = d->dims.at[i];
        return FRIT_OK;
    }
    TRY(tensor_alloc(c, a, d->dt, d->dims.n, d->dims.at, out));
    int64_t count = d->kind == CONST_MADE ? 0 : tensor_count(out);
    for (uint32_t i = 0; d->kind == CONST_MADE && i < d->maker->n_parts; i++)
        d->maker->make(d->maker->data, i, (char *)out->data + i * d->maker->part_bytes);
    for (int64_t i = 0; i < count; i++) {
        if (d->kind == CONST_SPLAT)
            dtype_store(d->dt, out->data, (size_t)i, d->splat);
        else
            store_f64(out, i, random_element(RD_normal, d->dt, (uint64_t)d->seed, (uint64_t)i, 0, d->scale));
    }
    return FRIT_OK;
}
