/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The code of the hand-made plan of test_artifact.c, compiled like an emitter's output: hidden functions of the kernel
 * ABI. */
#include <math.h>

#include "runtime/kernel_abi.h"

#define KERNEL __attribute__((visibility("hidden"))) frit_kernel_fn

KERNEL k_add, k_double, k_power;

/* t[b, i] = x[b, i] + w[i], items are rows of 4 */
void k_add(void *const *buffers, const int64_t *dims, int64_t begin, int64_t end, void *scratch) {
    const float *x = buffers[0], *w = buffers[1];
    float *t = buffers[2];
    (void)dims, (void)scratch;
    for (int64_t i = 4 * begin; i < 4 * end; i++) t[i] = x[i] + w[i % 4];
}

/* y = fmod(2 t, 100) */
void k_double(void *const *buffers, const int64_t *dims, int64_t begin, int64_t end, void *scratch) {
    const float *t = buffers[0];
    float *y = buffers[1];
    (void)dims, (void)scratch;
    for (int64_t i = 4 * begin; i < 4 * end; i++) y[i] = fmodf(2 * t[i], 100);
}

/* y = t * dims[0], in one row of scratch first */
void k_power(void *const *buffers, const int64_t *dims, int64_t begin, int64_t end, void *scratch) {
    const float *t = buffers[0];
    float *y = buffers[1], *row = (float *)((char *)scratch + KERNEL_REPORT_BYTES);
    for (int64_t r = begin; r < end; r++) {
        for (int64_t i = 0; i < 4; i++) row[i] = t[4 * r + i] * (float)dims[0];
        for (int64_t i = 0; i < 4; i++) y[4 * r + i] = row[i];
    }
}
