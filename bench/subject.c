/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Opening and timing artifacts for benches. */
#include "bench/subject.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double clock_seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double seconds(void) { return clock_seconds(CLOCK_MONOTONIC); }
double own_seconds(void) { return clock_seconds(CLOCK_THREAD_CPUTIME_ID); }

void die(const char *what, const char *why) {
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

/* Seeded numbers in -1..1, the same in every run. */
void fill(float *p, int64_t n, uint32_t seed) {
    uint32_t state = seed;
    for (int64_t i = 0; i < n; i++) {
        state = state * 1664525U + 1013904223U;
        p[i] = (float)(state >> 8) / 8388608.0F - 1.0F;
    }
}

float *floats(int64_t n) {
    const size_t bytes = ((size_t)n * sizeof(float) + 63) / 64 * 64;
    float *p = aligned_alloc(64, bytes);
    if (!p) die("memory", "not enough");
    memset(p, 0, bytes);
    return p;
}

static void fill_bytes(uint8_t *p, int64_t n, uint32_t seed) {
    for (int64_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        p[i] = (uint8_t)(seed >> 24);
    }
}

/* The numbers of fill, cut to bf16. */
static void fill_bf16(uint16_t *p, int64_t n, uint32_t seed) {
    float *numbers = floats(n);
    fill(numbers, n, seed);
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &numbers[i], sizeof bits);
        p[i] = (uint16_t)(bits >> 16);
    }
    free(numbers);
}

/* Bytes of an element, 0: the bench does not know it. */
static int64_t element_bytes(uint32_t dtype) {
    if (dtype == FRIT_DT_F32 || dtype == FRIT_DT_I32) return 4;
    return dtype == FRIT_DT_BF16 ? 2 : dtype == FRIT_DT_U8;
}

/* Gives a static port its dims and memory. */
static void give_memory(const frit_port *port, frit_tensor *tensor, int64_t *dims, int64_t *out_bytes) {
    int64_t count = 1;
    if (!element_bytes(port->dtype)) die(port->name, "not f32, i32, bf16 or u8");
    for (uint32_t i = 0; i < port->rank; i++) {
        if (port->program[i][0] != FRIT_DIM_CONST) die(port->name, "a dim is not a number: compile with --dim");
        dims[i] = port->program[i][1];
        count *= dims[i];
    }
    *tensor = (frit_tensor){floats(count), port->dtype, (int32_t)port->rank, dims, NULL};
    *out_bytes = count * element_bytes(port->dtype);
}

/* The sets of features of base/targets.def. */
typedef enum feature_id {
#define CPU_FEATURE(name, ...) FEATURE_##name,
#include "base/targets.def"
} feature_id;
typedef enum feature_set {
#define CPU_FEATURE(name, ...)      name = 1 << FEATURE_##name,
#define CPU_LEVEL(name, feature_or) name = feature_or,
#include "base/targets.def"
} feature_set;

/* target: "cpu NAME", as artifacts say it. */
static uint32_t vector_bytes(const char *target) {
    static const struct {
        const char *target;
        unsigned features; /* feature_set */
    } rows[] = {
#define CPU(name, vendor, features, ...) {"cpu " name, features},
#include "base/targets.def"
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].target, target) == 0)
            return rows[i].features & AVX512F ? 64 : rows[i].features & AVX2 ? 32 : 16;
    die(target, "is no CPU of base/targets.def");
    return 0;
}

void subject_open(const char *path, int n_threads, subject *s) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) die(path, dlerror());
    frit_artifact_table_fn *table = NULL;
    void *symbol = dlsym(library, FRIT_ARTIFACT_SYMBOL);
    memcpy(&table, &symbol, sizeof table);
    s->library = library;
    s->artifact = table ? table(FRIT_ARTIFACT_ABI) : NULL;
    if (!s->artifact) die(path, "not an artifact of this version");
    frit_artifact_info info = {.struct_bytes = sizeof info};
    s->artifact->info(s->artifact, &info);
    if (info.n_inputs < 1 || info.n_inputs > SUBJECT_MOST_IN || info.n_outputs != 1)
        die(path, "too many inputs or outputs");
    s->vector_bytes = vector_bytes(info.target);
    s->n_in = (int)info.n_inputs;
    for (int i = 0; i < s->n_in; i++) {
        frit_port in = {.struct_bytes = sizeof in};
        s->artifact->input(s->artifact, (uint32_t)i, &in);
        give_memory(&in, &s->in[i], s->in_dims[i], &s->in_bytes[i]);
        if (in.dtype == FRIT_DT_U8)
            fill_bytes(s->in[i].data, s->in_bytes[i], 12345 + (uint32_t)i);
        else if (in.dtype == FRIT_DT_BF16)
            fill_bf16(s->in[i].data, s->in_bytes[i] / (int64_t)sizeof(uint16_t), 12345 + (uint32_t)i);
        else
            fill(s->in[i].data, s->in_bytes[i] / (int64_t)sizeof(float), 12345 + (uint32_t)i);
    }
    frit_port out = {.struct_bytes = sizeof out};
    s->artifact->output(s->artifact, 0, &out);
    give_memory(&out, &s->out, s->out_dims, &s->out_bytes);
    char message[256] = "";
    const frit_options options = {.struct_bytes = sizeof options, .n_threads = (uint32_t)n_threads};
    if (s->artifact->create(s->artifact, &options, &s->context, message, sizeof message) != FRIT_OK) die(path, message);
}

double subject_time(const subject *s) {
    const double start = seconds();
    if (s->artifact->run(s->context, s->in, &s->out) != FRIT_OK) die("run", s->artifact->error(s->context));
    return seconds() - start;
}

double subject_best(const subject *s, int n_calls) {
    double best = subject_time(s);
    for (int i = 1; i < n_calls; i++) {
        const double took = subject_time(s);
        if (took < best) best = took;
    }
    return best;
}

void subject_close(subject *s) {
    s->artifact->destroy(s->context);
    for (int i = 0; i < s->n_in; i++) free(s->in[i].data);
    free(s->out.data);
    dlclose(s->library);
}

void be_n_threads(char **argv, int n) {
    static const char *const names[] = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"};
    char text[16];
    int wrong = 0;
    snprintf(text, sizeof text, "%d", n);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *now = getenv(names[i]);
        if (!now || strcmp(now, text) != 0) wrong = 1;
        setenv(names[i], text, 1);
    }
    if (!wrong) return;
    execv("/proc/self/exe", argv);
    die("/proc/self/exe", "cannot start again with other thread counts");
}
