/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How near the generated kernels come to the roof, in one process, taking turns with the yardstick so that both see the
 * same machine:
 *
 *     roof stream KERNEL.so [ROUNDS]      an artifact of one kernel over memory, whose inputs and output have one size,
 *                                         against a non-temporal stream of the same reads and writes
 *     roof cycles SHORT.so LONG.so [ROUNDS]   the same map over two lengths that fit the first-level cache: cycles for
 *                                             each element that the second has more
 *
 * Everything runs on one thread. Prints the best and the median of each, and the ratio of the bests. The artifact is
 * driven through frit_artifact.h alone; inputs are seeded numbers. */
#include "bench/peers.h"
#include "bench/subject.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 1000, DEFAULT_ROUNDS = 30, WARM_UP = 3 };

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Prints both sides' best and median; work is in giga-units (GFLOP, GB) a call. */
static void report(const char *unit, double work, const char *yardstick, double *ours, double *theirs, int rounds) {
    qsort(ours, (size_t)rounds, sizeof *ours, by_value);
    qsort(theirs, (size_t)rounds, sizeof *theirs, by_value);
    printf("frit       best %8.2f %s/s   median %8.2f\n", work / ours[0], unit, work / ours[rounds / 2]);
    printf("%-10s best %8.2f %s/s   median %8.2f\n", yardstick, work / theirs[0], unit, work / theirs[rounds / 2]);
    printf("ratio      %.1f %% of the best, %.1f %% of the median\n", 100 * theirs[0] / ours[0],
           100 * theirs[rounds / 2] / ours[rounds / 2]);
}

static void bench_stream(const subject *s, int rounds, double *ours, double *theirs) {
    const void *from[STREAM_MOST];
    if (s->n_in > STREAM_MOST) die("stream", "too many inputs");
    for (int i = 0; i < s->n_in; i++) {
        from[i] = s->in[i].data;
        if (s->in_bytes[i] != s->out_bytes || s->out_bytes % 64) die("stream", "inputs and output differ in size");
    }
    float *copy = floats(s->out_bytes / (int64_t)sizeof(float));
    for (int i = -WARM_UP; i < rounds; i++) {
        const int at = i < 0 ? 0 : i;
        ours[at] = subject_time(s);
        const double start = seconds();
        stream_through(copy, s->n_in, from, (size_t)s->out_bytes);
        theirs[at] = seconds() - start;
    }
    free(copy);
    printf("%d x %lld MiB read and as many written once, one thread; the stream: %s, non-temporal\n", s->n_in,
           (long long)(s->out_bytes >> 20), stream_name());
    report("GB", 1e-9 * (double)s->out_bytes * (s->n_in + 1), "stream", ours, theirs, rounds);
}

/* What a call costs by itself cancels between the two lengths. */
static void bench_cycles(const char *few_path, const char *many_path, int rounds) {
    enum { CALLS = 200 };
    subject few = {0}, many = {0};
    subject_open(few_path, 1, &few);
    subject_open(many_path, 1, &many);
    const double before = cycle_seconds(many.vector_bytes);
    const double more = subject_best(&many, CALLS * rounds) - subject_best(&few, CALLS * rounds);
    const double after = cycle_seconds(many.vector_bytes), cycle = before < after ? before : after;
    const double elements = (double)(many.out_bytes - few.out_bytes) / sizeof(float);
    printf("%.2f cycles an element (%.2f GHz)\n", more / cycle / elements, 1e-9 / cycle);
    subject_close(&few);
    subject_close(&many);
}

int main(int argc, char **argv) {
    static double ours[MOST_ROUNDS], theirs[MOST_ROUNDS];
    const bool is_cycles = argc > 3 && strcmp(argv[1], "cycles") == 0;
    if (argc < 3 || (!is_cycles && strcmp(argv[1], "stream") != 0)) {
        fprintf(stderr, "usage: roof stream KERNEL.so [ROUNDS] | roof cycles SHORT.so LONG.so [ROUNDS]\n");
        return 2;
    }
    be_n_threads(argv, 1);
    const char *given = argc > 3 + is_cycles ? argv[3 + is_cycles] : NULL;
    const int asked = given ? atoi(given) : DEFAULT_ROUNDS;
    const int rounds = asked < 1 ? 1 : asked > MOST_ROUNDS ? MOST_ROUNDS : asked;
    if (is_cycles) {
        bench_cycles(argv[2], argv[3], rounds);
        return 0;
    }
    subject s = {0};
    subject_open(argv[2], 1, &s);
    bench_stream(&s, rounds, ours, theirs);
    subject_close(&s);
    return 0;
}
