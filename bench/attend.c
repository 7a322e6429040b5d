/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attention against what the machine allows, one thread and one process:
 *
 *     attend full|causal ATTEND.so EXP_SHORT.so EXP_LONG.so [ROUNDS]
 *
 * ATTEND is y = softmax(q k^T / sqrt(D)) v over f32[H, S, D]. The bound is its multiply-adds at the peak of the vectors
 * that its code uses, plus one exponential for each score at the rate of frit's own exp over data in the first-level
 * cache (the same map over two lengths, so that what a call costs cancels). All of them take turns in
 * processor time; the peak is taken before and after each call, and the median of the rounds' ratios counts. Rows of
 * the result are compared with double precision first; the memory of a context shows that no matrix of scores is ever
 * stored. */
#include "bench/peers.h"
#include "bench/subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 1000, DEFAULT_ROUNDS = 60, ROWS_CHECKED = 16, PEAK_STEPS = 100000, EXP_CALLS = 100 };
static const float spread = 6; /* of queries: scores so far apart that maxima grow from block to block */
static const double most_error = 3e-6;

typedef struct attention {
    subject s;
    int64_t heads, length, depth;
    int is_causal;
} attention;

static void attention_open(const char *path, int is_causal, attention *a) {
    subject_open(path, 1, &a->s);
    const frit_tensor *q = &a->s.in[0];
    if (a->s.n_in != 3 || q->rank != 3) die(path, "wants queries, keys and values over [H, S, D]");
    a->heads = a->s.in_dims[0][0];
    a->length = a->s.in_dims[0][1];
    a->depth = a->s.in_dims[0][2];
    a->is_causal = is_causal;
    float *p = q->data;
    for (int64_t i = 0; i < a->heads * a->length * a->depth; i++) p[i] *= spread;
}

/* Largest error of one row, computed in double precision. */
static double row_error(const attention *a, int64_t head, int64_t row) {
    const int64_t n = a->length, d = a->depth, n_seen = a->is_causal ? row + 1 : n;
    const float *q = (const float *)a->s.in[0].data + (head * n + row) * d;
    const float *k = (const float *)a->s.in[1].data + head * n * d, *v = (const float *)a->s.in[2].data + head * n * d;
    const float *y = (const float *)a->s.out.data + (head * n + row) * d;
    double *weights = malloc((size_t)n * sizeof *weights), total = 0, worst = 0;
    if (!weights) die("memory", "not enough");
    for (int64_t j = 0; j < n_seen; j++) {
        double score = 0;
        for (int64_t i = 0; i < d; i++) score += (double)q[i] * (double)k[j * d + i];
        total += weights[j] = exp(score / sqrt((double)d));
    }
    for (int64_t i = 0; i < d; i++) {
        double sum = 0;
        for (int64_t j = 0; j < n_seen; j++) sum += weights[j] * (double)v[j * d + i];
        worst = fmax(worst, fabs(sum / total - (double)y[i]));
    }
    free(weights);
    return isnan(worst) ? HUGE_VAL : worst;
}

/* The first, the last and some other rows of every head. */
static double error_of(const attention *a) {
    double worst = 0;
    for (int64_t head = 0; head < a->heads; head++)
        for (int64_t i = 0; i < ROWS_CHECKED; i++)
            worst = fmax(worst, row_error(a, head, i * (a->length - 1) / (ROWS_CHECKED - 1)));
    return worst;
}

static uint64_t context_bytes(const subject *s) {
    char message[256] = "";
    const frit_options options = {.struct_bytes = sizeof options, .n_threads = 1};
    frit_memory memory = {.struct_bytes = sizeof memory};
    if (s->artifact->memory(s->artifact, &options, &memory, message, sizeof message) != FRIT_OK) die("memory", message);
    return memory.context_bytes;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *of, int n) {
    qsort(of, (size_t)n, sizeof *of, by_value);
    return of[n / 2];
}

/* Seconds of one exponential. What a call costs by itself cancels between the two lengths. */
static double time_exp(const subject *few, const subject *many) {
    const double elements = (double)(many->out_bytes - few->out_bytes) / sizeof(float);
    return (subject_best(many, EXP_CALLS) - subject_best(few, EXP_CALLS)) / elements;
}

static double time_flop(uint32_t vector_bytes) {
    const double start = own_seconds(), flops = peak_flops(PEAK_STEPS, 0, vector_bytes);
    return (own_seconds() - start) / flops;
}

/* A round: the peak before and after the call, so that both see the same clock. */
static void bench(const attention *a, const subject *few, const subject *many, int rounds) {
    static double took[MOST_ROUNDS], flop[MOST_ROUNDS], exps[MOST_ROUNDS], share[MOST_ROUNDS];
    const double pairs = (double)a->length * (double)(a->is_causal ? a->length + 1 : 2 * a->length) / 2;
    const double scores = (double)a->heads * pairs, flops = 4 * scores * (double)a->depth;
    double before = time_flop(a->s.vector_bytes);
    for (int i = 0; i < rounds; i++) {
        const double start = own_seconds();
        subject_time(&a->s);
        took[i] = own_seconds() - start;
        const double after = time_flop(a->s.vector_bytes);
        flop[i] = (before + after) / 2;
        exps[i] = time_exp(few, many);
        before = time_flop(a->s.vector_bytes);
    }
    const double exp_s = median(exps, rounds);
    for (int i = 0; i < rounds; i++) share[i] = (flops * flop[i] + scores * exp_s) / took[i];
    const double ratio = median(share, rounds), upper = share[rounds * 3 / 4], time = median(took, rounds);
    const double flop_s = median(flop, rounds), cycle = cycle_seconds(a->s.vector_bytes);
    printf("%lld heads of %lld x %lld, %s, vectors of %u bytes: %.2f ms, %.1f GFLOP/s\n", (long long)a->heads,
           (long long)a->length, (long long)a->depth, a->is_causal ? "causal" : "full", a->s.vector_bytes, 1e3 * time,
           1e-9 * flops / time);
    printf("bound      %.2f ms: %.2f of %.1f GFLOP/s, %.2f of exponentials, %.2f cycles each at %.2f GHz\n",
           1e3 * (flops * flop_s + scores * exp_s), 1e3 * flops * flop_s, 1e-9 / flop_s, 1e3 * scores * exp_s,
           exp_s / cycle, 1e-9 / cycle);
    printf("of bound   %.1f %% (upper quartile %.1f)\n", 100 * ratio, 100 * upper);
}

int main(int argc, char **argv) {
    if (argc < 5 || (strcmp(argv[1], "full") != 0 && strcmp(argv[1], "causal") != 0)) {
        fprintf(stderr, "usage: attend full|causal ATTEND.so EXP_SHORT.so EXP_LONG.so [ROUNDS]\n");
        return 2;
    }
    attention a = {0};
    subject few = {0}, many = {0};
    attention_open(argv[2], strcmp(argv[1], "causal") == 0, &a);
    subject_open(argv[3], 1, &few);
    subject_open(argv[4], 1, &many);
    if (few.vector_bytes != a.s.vector_bytes || many.out_bytes <= few.out_bytes)
        die(argv[3], "does not fit the others");
    subject_time(&a.s);
    const double error = error_of(&a);
    const uint64_t memory = context_bytes(&a.s), matrix = (uint64_t)(a.length * a.length) * sizeof(float);
    if (error > most_error) die(argv[2], "WRONG: differs from double precision");
    if (memory >= matrix) die(argv[2], "a context holds a matrix of scores");
    const int asked = argc > 5 ? atoi(argv[5]) : DEFAULT_ROUNDS;
    bench(&a, &few, &many, asked < 1 ? 1 : asked > MOST_ROUNDS ? MOST_ROUNDS : asked);
    printf("error      %.1e at most; a context takes %llu KiB, the scores of one head would %llu\n", error,
           (unsigned long long)memory >> 10, (unsigned long long)matrix >> 10);
    subject_close(&a.s);
    subject_close(&few);
    subject_close(&many);
    return 0;
}
