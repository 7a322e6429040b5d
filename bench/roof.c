/* How near the generated kernels come to the roof, in one process, taking turns with the yardstick so that both see the
 * same machine:
 *
 *     roof matmul MATMUL.so [ROUNDS]      an artifact of y[M, N] = x[M, K] W[K, N] against oneDNN with packed weights
 *     roof stream KERNEL.so [ROUNDS]      an artifact of one kernel over memory, whose inputs and output have one size,
 *                                         against a non-temporal stream of the same reads and writes
 *
 * Everything runs on one thread. Prints the best and the median of each, and the ratio of the bests. The artifact is
 * driven through frit_artifact.h alone; inputs are seeded numbers. */
#include "bench/peers.h"

#include "frit_artifact.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_ROUNDS = 1000, DEFAULT_ROUNDS = 30, WARM_UP = 3 };

/* One artifact with one output, its memory, and a context of one thread. */
typedef struct subject {
    const frit_artifact *artifact;
    frit_context *context;
    int n_in;
    frit_tensor in[STREAM_MOST], out;
    int64_t in_dims[STREAM_MOST][FRIT_MAX_RANK], out_dims[FRIT_MAX_RANK];
    int64_t in_bytes[STREAM_MOST], out_bytes;
} subject;

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const char *what, const char *why) {
    fprintf(stderr, "roof: %s: %s\n", what, why);
    exit(1);
}

/* Seeded numbers in -1..1, the same in every run. */
static void fill(float *p, int64_t n, uint32_t seed) {
    uint32_t state = seed;
    for (int64_t i = 0; i < n; i++) {
        state = state * 1664525U + 1013904223U;
        p[i] = (float)(state >> 8) / 8388608.0F - 1.0F;
    }
}

static float *floats(int64_t n) {
    const size_t bytes = ((size_t)n * sizeof(float) + 63) / 64 * 64;
    float *p = aligned_alloc(64, bytes);
    if (!p) die("memory", "not enough");
    memset(p, 0, bytes);
    return p;
}

/* Gives a static f32 port its dims and memory. */
static void give_memory(const frit_port *port, frit_tensor *tensor, int64_t *dims, int64_t *out_bytes) {
    int64_t count = 1;
    if (port->dtype != FRIT_DT_F32) die(port->name, "not f32");
    for (uint32_t i = 0; i < port->rank; i++) {
        if (port->program[i][0] != FRIT_DIM_CONST) die(port->name, "a dim is not a number: compile with --dim");
        dims[i] = port->program[i][1];
        count *= dims[i];
    }
    *tensor = (frit_tensor){floats(count), FRIT_DT_F32, (int32_t)port->rank, dims, NULL};
    *out_bytes = count * (int64_t)sizeof(float);
}

static void open_subject(const char *path, subject *s) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) die(path, dlerror());
    frit_artifact_table_fn *table = NULL;
    void *symbol = dlsym(library, FRIT_ARTIFACT_SYMBOL);
    memcpy(&table, &symbol, sizeof table);
    s->artifact = table ? table(FRIT_ARTIFACT_ABI) : NULL;
    if (!s->artifact) die(path, "not an artifact of this version");
    frit_artifact_info info = {.struct_bytes = sizeof info};
    s->artifact->info(s->artifact, &info);
    if (info.n_inputs < 1 || info.n_inputs > STREAM_MOST || info.n_outputs != 1)
        die(path, "too many inputs or outputs");
    s->n_in = (int)info.n_inputs;
    for (int i = 0; i < s->n_in; i++) {
        frit_port in = {.struct_bytes = sizeof in};
        s->artifact->input(s->artifact, (uint32_t)i, &in);
        give_memory(&in, &s->in[i], s->in_dims[i], &s->in_bytes[i]);
        fill(s->in[i].data, s->in_bytes[i] / (int64_t)sizeof(float), 12345 + (uint32_t)i);
    }
    frit_port out = {.struct_bytes = sizeof out};
    s->artifact->output(s->artifact, 0, &out);
    give_memory(&out, &s->out, s->out_dims, &s->out_bytes);
    char message[256] = "";
    const frit_options options = {.struct_bytes = sizeof options, .n_threads = 1};
    if (s->artifact->create(s->artifact, &options, &s->context, message, sizeof message) != FRIT_OK) die(path, message);
}

static double time_subject(const subject *s) {
    const double start = seconds();
    if (s->artifact->run(s->context, s->in, &s->out) != FRIT_OK) die("run", s->artifact->error(s->context));
    return seconds() - start;
}

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

static void bench_matmul(const subject *s, int rounds, double *ours, double *theirs) {
    if (s->n_in != 1 || s->in[0].rank != 2 || s->out.rank != 2) die("matmul", "wants one matrix and gives one");
    const int64_t m = s->in_dims[0][0], k = s->in_dims[0][1], n = s->out_dims[1];
    float *b = floats(k * n), *c = floats(m * n);
    fill(b, k * n, 1);
    onednn_matmul *peer = onednn_matmul_new(m, n, k, b);
    if (!peer) die("oneDNN", "refused this matmul");
    for (int i = -WARM_UP; i < rounds; i++) {
        const int at = i < 0 ? 0 : i;
        ours[at] = time_subject(s);
        const double start = seconds();
        if (onednn_matmul_run(peer, s->in[0].data, c)) die("oneDNN", "run failed");
        theirs[at] = seconds() - start;
    }
    onednn_matmul_free(peer);
    free(b);
    free(c);
    printf("matmul %lld x %lld x %lld f32, one thread, packed weights\n", (long long)m, (long long)n, (long long)k);
    report("GFLOP", 2e-9 * (double)m * (double)n * (double)k, "oneDNN", ours, theirs, rounds);
}

static void bench_stream(const subject *s, int rounds, double *ours, double *theirs) {
    const void *from[STREAM_MOST];
    for (int i = 0; i < s->n_in; i++) {
        from[i] = s->in[i].data;
        if (s->in_bytes[i] != s->out_bytes || s->out_bytes % 64) die("stream", "inputs and output differ in size");
    }
    float *copy = floats(s->out_bytes / (int64_t)sizeof(float));
    for (int i = -WARM_UP; i < rounds; i++) {
        const int at = i < 0 ? 0 : i;
        ours[at] = time_subject(s);
        const double start = seconds();
        stream_through(copy, s->n_in, from, (size_t)s->out_bytes);
        theirs[at] = seconds() - start;
    }
    free(copy);
    printf("%d x %lld MiB read and as many written once, one thread; the stream: %s, non-temporal\n", s->n_in,
           (long long)(s->out_bytes >> 20), stream_name());
    report("GB", 1e-9 * (double)s->out_bytes * (s->n_in + 1), "stream", ours, theirs, rounds);
}

/* oneDNN's OpenMP reads its thread count when it is loaded, before main: starts the program anew with one thread. */
static void be_one_thread(char **argv) {
    const char *now = getenv("OMP_NUM_THREADS");
    if (now && strcmp(now, "1") == 0) return;
    setenv("OMP_NUM_THREADS", "1", 1);
    execv("/proc/self/exe", argv);
    die("/proc/self/exe", "cannot start again with OMP_NUM_THREADS=1");
}

int main(int argc, char **argv) {
    static double ours[MOST_ROUNDS], theirs[MOST_ROUNDS];
    if (argc < 3) {
        fprintf(stderr, "usage: roof matmul|stream ARTIFACT.so [ROUNDS]\n");
        return 2;
    }
    be_one_thread(argv);
    const int asked = argc > 3 ? atoi(argv[3]) : DEFAULT_ROUNDS;
    const int rounds = asked < 1 ? 1 : asked > MOST_ROUNDS ? MOST_ROUNDS : asked;
    subject s = {0};
    open_subject(argv[2], &s);
    if (strcmp(argv[1], "matmul") == 0)
        bench_matmul(&s, rounds, ours, theirs);
    else
        bench_stream(&s, rounds, ours, theirs);
    s.artifact->destroy(s.context);
    for (int i = 0; i < s.n_in; i++) free(s.in[i].data);
    free(s.out.data);
    return 0;
}
