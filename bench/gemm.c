/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Matrix products against the libraries, one table row per artifact:
 *
 *     gemm f32|bf16 THREADS MATMUL.so...
 *
 * An artifact is y[M, N] = x[M, K] W[K, N] with constant W, whose numbers lie in MATMUL.f32 beside it; x is f32 or
 * bf16 (of the second kind bf16 only). frit, oneDNN
 * with packed weights and OpenBLAS take turns in one process, each round also reads the weights once and runs fused
 * multiply-adds from registers; the best of each counts. Outputs are compared first: the error of frit against a sum in
 * double precision may be at most twice oneDNN's and some rounding. The last two columns: what memory and arithmetic of
 * the same rounds would allow at most, in percent of frit's time. */
#include "bench/peers.h"
#include "bench/subject.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_ROUNDS = 5, MOST_ROUNDS = 400, SAMPLES = 4000, PEAK_STEPS = 20000 };
static const double budget_s = 0.7; /* of rounds, for each artifact */

/* The best time of everybody, in seconds. */
typedef struct best {
    double frit, onednn, openblas, read, flop;
} best;

typedef struct matmul {
    subject s;
    int64_t m, n, k;
    int is_bf16, n_threads;
    float *a, *w, *read; /* read: as large as w and read by nobody else, so that no cache favours it */
    float *c_onednn, *c_openblas;
    onednn_matmul *peer;
} matmul;

static float *read_weights(const char *so, int64_t n) {
    char path[4096];
    const size_t length = strlen(so);
    if (length < 3 || length + 2 > sizeof path) die(so, "is not NAME.so");
    snprintf(path, sizeof path, "%.*s.f32", (int)(length - 3), so);
    float *w = floats(n);
    FILE *f = fopen(path, "rb");
    if (!f || fread(w, sizeof *w, (size_t)n, f) != (size_t)n) die(path, "cannot be read");
    fclose(f);
    return w;
}

/* x as f32: itself or a copy. */
static float *as_numbers(const frit_tensor *x, int64_t n) {
    float *numbers = floats(n);
    for (int64_t i = 0; i < n; i++) {
        const uint32_t wide = x->dtype == FRIT_DT_BF16 ? (uint32_t)((const uint16_t *)x->data)[i] << 16 : 0;
        memcpy(&numbers[i], x->dtype == FRIT_DT_BF16 ? (const void *)&wide : (const float *)x->data + i, sizeof wide);
    }
    return numbers;
}

static void matmul_open(matmul *p, const char *path) {
    subject_open(path, p->n_threads, &p->s);
    if (p->s.n_in != 1 || p->s.in[0].rank != 2 || p->s.out.rank != 2) die(path, "wants one matrix and gives one");
    p->m = p->s.in_dims[0][0];
    p->k = p->s.in_dims[0][1];
    p->n = p->s.out_dims[1];
    p->w = read_weights(path, p->k * p->n);
    p->read = read_weights(path, p->k * p->n);
    p->a = as_numbers(&p->s.in[0], p->m * p->k);
    p->c_onednn = floats(p->m * p->n);
    p->c_openblas = floats(p->m * p->n);
    p->peer = onednn_matmul_new((int64_t[3]){p->m, p->n, p->k}, p->is_bf16 ? ONEDNN_BF16 : ONEDNN_F32, p->a, p->w);
    if (!p->peer) die("oneDNN", "refused this matmul");
}

static void matmul_close(matmul *p) {
    onednn_matmul_free(p->peer);
    free(p->a);
    free(p->w);
    free(p->read);
    free(p->c_onednn);
    free(p->c_openblas);
    subject_close(&p->s);
}

static double time_onednn(const matmul *p) {
    const double start = seconds();
    if (onednn_matmul_run(p->peer, p->c_onednn)) die("oneDNN", "run failed");
    return seconds() - start;
}

static double time_openblas(const matmul *p) {
    const double start = seconds();
    const int m = (int)p->m, n = (int)p->n, k = (int)p->k;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, p->a, k, p->w, n, 0, p->c_openblas, n);
    return seconds() - start;
}

/* Largest error of a sample of outputs against double precision. */
static double error_of(const matmul *p, const float *c) {
    const float *a = p->a;
    double worst = 0;
    for (int64_t i = 0; i < SAMPLES; i++) {
        const int64_t at = (int64_t)((uint64_t)i * 2654435761U % (uint64_t)(p->m * p->n)), row = at / p->n,
                      col = at % p->n;
        double sum = 0;
        for (int64_t k = 0; k < p->k; k++) sum += (double)a[row * p->k + k] * (double)p->w[k * p->n + col];
        worst = fmax(worst, fabs(sum - (double)c[at]));
    }
    return worst;
}

static void keep(double *best, double now) {
    if (now < *best) *best = now;
}

/* Seconds of one operation at the peak, HUGE_VAL where there is no instruction. Products of bf16 may be f32's, widened. */
static double flop_seconds(int is_bf16, uint32_t vector_bytes) {
    const double began = seconds(), n = peak_flops(PEAK_STEPS, is_bf16, vector_bytes);
    return n > 0 ? (seconds() - began) / n : HUGE_VAL;
}

static best measure(const matmul *p) {
    best b = {HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL};
    const double start = seconds(), flops = 2.0 * (double)p->m * (double)p->n * (double)p->k;
    const size_t bytes = (size_t)(p->k * p->n) * (p->is_bf16 ? 2 : 4) / 1024 * 1024;
    volatile float sink = 0;
    for (int i = 0; i < LEAST_ROUNDS || (i < MOST_ROUNDS && seconds() - start < budget_s); i++) {
        keep(&b.frit, subject_time(&p->s));
        keep(&b.onednn, time_onednn(p));
        if (!p->is_bf16) keep(&b.openblas, time_openblas(p));
        double began = seconds();
        sink = sink + stream_read(p->read, bytes, (size_t)1 << i % 3);
        keep(&b.read, seconds() - began);
        keep(&b.flop, flops * flop_seconds(0, p->s.vector_bytes));
        if (p->is_bf16) keep(&b.flop, flops * flop_seconds(1, p->s.vector_bytes));
    }
    return b;
}

/* x and its mark, or as many columns of "-" where there is no figure. */
static void print_figure(const char *format, double x, const char *mark) {
    char text[32];
    snprintf(text, sizeof text, format, x);
    if (isfinite(x))
        printf("%s%s", text, mark);
    else
        printf("%*s ", (int)strlen(text), "-");
}

static int bench(matmul *p, const char *path, int *is_above) {
    matmul_open(p, path);
    subject_time(&p->s);
    time_onednn(p);
    time_openblas(p);
    const double ours = error_of(p, p->s.out.data), theirs = error_of(p, p->c_onednn);
    const best b = measure(p);
    const double work = 2e-9 * (double)p->m * (double)p->n * (double)p->k, roof = fmax(b.read, b.flop);
    const int is_right = ours <= 2 * theirs + 1e-6 * (double)p->k / 100;
    char name[64];
    snprintf(name, sizeof name, "%lldx%lldx%lld", (long long)p->m, (long long)p->n, (long long)p->k);
    const int has_blas = !p->is_bf16, is_fallback = has_blas && !openblas_knows_cpu();
    printf("%-18s %8.1f %8.1f", name, work / b.frit, work / b.onednn);
    print_figure(" %7.1f", has_blas ? work / b.openblas : NAN, is_fallback ? "!" : " ");
    print_figure(" %7.0f", 100 * b.onednn / b.frit, "%");
    print_figure(" %7.0f", has_blas && !is_fallback ? 100 * b.openblas / b.frit : NAN, "%");
    print_figure(" %7.0f", 100 * roof / b.frit, roof > 1.005 * b.frit ? "*" : "%");
    *is_above |= isfinite(roof) && roof > 1.005 * b.frit;
    printf(" %7.1f%s\n", 1e-9 * (double)(p->k * p->n * (p->is_bf16 ? 2 : 4)) / b.read, is_right ? "" : "  WRONG");
    if (!is_right) printf("    error %g, oneDNN's %g\n", ours, theirs);
    fflush(stdout);
    matmul_close(p);
    return !is_right;
}

/* Which kernels the libraries run, and what this CPU has no instruction for. */
static void print_peers(int is_bf16) {
    printf("%s\n", onednn_kernels());
    if (!is_bf16)
        printf("%s%s\n", openblas_kernels(),
               openblas_knows_cpu() ? ""
                                    : ": a fallback (!), as it does not know this CPU, and no yardstick; "
                                      "OPENBLAS_CORETYPE=SkylakeX or Haswell names a core");
    if (is_bf16 && !(peak_flops(1, 1, 64) > 0))
        puts("this CPU has no instruction for products of bf16: frit widens them, at half the speed of f32 at most");
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: gemm f32|bf16 THREADS MATMUL.so...\n");
        return 2;
    }
    const int n_threads = atoi(argv[2]);
    be_n_threads(argv, n_threads);
    printf("%s, %d thread%s; GFLOP/s, best of each\n", argv[1], n_threads, n_threads == 1 ? "" : "s");
    print_peers(strcmp(argv[1], "bf16") == 0);
    printf("%-18s %8s %8s %8s %8s %8s %8s %7s\n", "M x N x K", "frit", "oneDNN", "OpenBLAS", "of dnn", "of blas",
           "of roof", "GB/s");
    int n_wrong = 0, is_above = 0;
    for (int i = 3; i < argc; i++) {
        matmul p = {.is_bf16 = strcmp(argv[1], "bf16") == 0, .n_threads = n_threads};
        n_wrong += bench(&p, argv[i], &is_above);
    }
    if (is_above)
        puts("* percent, above 100: weights stayed in a cache, or the peak was measured while the machine was slower");
    return n_wrong != 0;
}
