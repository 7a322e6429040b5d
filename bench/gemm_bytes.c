/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Matrix products of bytes, u8 by s8 into s32, against oneDNN with packed weights; one table row per artifact:
 *
 *     gemm_bytes THREADS MATMUL.so...
 *
 * An artifact is y[M, N] = x[M, K] W[K, N] (MatMulInteger) with constant W, whose numbers lie in MATMUL.s8 beside it.
 * Both take turns in one process, the best of each counts; outputs must be equal, as integer sums are exact. */
#include "bench/subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_ROUNDS = 5, MOST_ROUNDS = 400 };
static const double budget_s = 0.7; /* of rounds, for each artifact */

/* The weights beside the artifact, as numbers that oneDNN rounds back to bytes. */
static float *read_weights(const char *so, int64_t n) {
    char path[4096];
    const size_t length = strlen(so);
    if (length < 3 || length + 2 > sizeof path) die(so, "is not NAME.so");
    snprintf(path, sizeof path, "%.*s.s8", (int)(length - 3), so);
    int8_t *bytes = malloc((size_t)n);
    float *w = floats(n);
    FILE *f = fopen(path, "rb");
    if (!f || !bytes || fread(bytes, 1, (size_t)n, f) != (size_t)n) die(path, "cannot be read");
    for (int64_t i = 0; i < n; i++) w[i] = bytes[i];
    fclose(f);
    free(bytes);
    return w;
}

static float *as_numbers(const uint8_t *x, int64_t n) {
    float *numbers = floats(n);
    for (int64_t i = 0; i < n; i++) numbers[i] = x[i];
    return numbers;
}

static double time_onednn(onednn_matmul *peer, int32_t *c) {
    const double start = seconds();
    if (onednn_matmul_run(peer, c)) die("oneDNN", "run failed");
    return seconds() - start;
}

static int bench(const char *path, int n_threads) {
    subject s = {0};
    subject_open(path, n_threads, &s);
    if (s.n_in != 1 || s.in[0].rank != 2 || s.out.rank != 2 || s.out.dtype != FRIT_DT_I32)
        die(path, "wants one matrix of bytes and gives one of i32");
    const int64_t m = s.in_dims[0][0], k = s.in_dims[0][1], n = s.out_dims[1];
    float *w = read_weights(path, k * n), *a = as_numbers(s.in[0].data, m * k);
    int32_t *c = (int32_t *)floats(m * n);
    onednn_matmul *peer = onednn_matmul_new((int64_t[3]){m, n, k}, ONEDNN_BYTES, a, w);
    if (!peer) die("oneDNN", "refused this matmul");
    subject_time(&s);
    time_onednn(peer, c);
    const int is_right = memcmp(c, s.out.data, (size_t)(m * n) * sizeof *c) == 0;
    double frit = HUGE_VAL, onednn = HUGE_VAL;
    const double start = seconds(), work = 2e-9 * (double)m * (double)n * (double)k;
    for (int i = 0; i < LEAST_ROUNDS || (i < MOST_ROUNDS && seconds() - start < budget_s); i++) {
        frit = fmin(frit, subject_time(&s));
        onednn = fmin(onednn, time_onednn(peer, c));
    }
    char name[64];
    snprintf(name, sizeof name, "%lldx%lldx%lld", (long long)m, (long long)n, (long long)k);
    printf("%-18s %8.1f %8.1f %7.0f%%%s\n", name, work / frit, work / onednn, 100 * onednn / frit,
           is_right ? "" : "  WRONG");
    fflush(stdout);
    onednn_matmul_free(peer);
    free(w);
    free(a);
    free(c);
    subject_close(&s);
    return !is_right;
}

int main(int argc, char **argv) {
    if (argc < 3 || atoi(argv[1]) < 1) {
        fprintf(stderr, "usage: gemm_bytes THREADS ARTIFACT.so...\n");
        return 2;
    }
    const int n_threads = atoi(argv[1]);
    int n_wrong = 0;
    be_n_threads(argv, n_threads);
    printf("%s\n", onednn_kernels());
    printf("GOP/s, %d threads%*s %8s %8s\n", n_threads, 2, "frit", "oneDNN", "frit/it");
    for (int i = 2; i < argc; i++) n_wrong += bench(argv[i], n_threads);
    return n_wrong > 0;
}
