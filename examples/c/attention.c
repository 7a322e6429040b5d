/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Runs a compiled attention block from C with nothing of frit but its header: the memory is the caller's own, and one
 * context serves calls of several lengths.
 *
 *     frit compile examples/attention/attention.onnx -o attention.so
 *     cc -O2 -Iinclude examples/c/attention.c -o attention -ldl -lm
 *     ./attention ./attention.so examples/attention/x.npy examples/attention/y.npy
 *
 * x.npy holds f32 [2, 19, 64], y.npy what the block makes of it in double precision. Exit 1 when a result is wrong. */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frit_artifact.h"

enum { BATCH = 2, LENGTH = 19, WIDTH = 64, N = BATCH * LENGTH * WIDTH, MAX_SYMBOLS = 8, ALIGNMENT = 64 };
static const double tolerance = 1e-5;

static void die(const char *what, const char *why) {
    fprintf(stderr, "attention: %s: %s\n", what, why);
    exit(1);
}

/* Reads the data of a version-1 .npy file that holds exactly `bytes` bytes. */
static void read_npy(const char *path, void *out, size_t bytes) {
    FILE *f = fopen(path, "rb");
    unsigned char start[10];
    if (!f || fread(start, 1, sizeof start, f) != sizeof start || memcmp(start, "\x93NUMPY\x01", 7) != 0)
        die(path, "cannot be read as .npy");
    fseek(f, start[8] + 256 * start[9], SEEK_CUR);
    if (fread(out, 1, bytes, f) != bytes || fgetc(f) != EOF) die(path, "has another size");
    fclose(f);
}

static const frit_artifact *open_artifact(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) die(path, dlerror());
    void *symbol = dlsym(library, FRIT_ARTIFACT_SYMBOL);
    frit_artifact_table_fn *table;
    memcpy(&table, &symbol, sizeof table); /* ISO C has no cast from object to function pointers */
    const frit_artifact *a = symbol ? table(FRIT_ARTIFACT_ABI) : NULL;
    if (!a) die(path, "is no artifact of this version");
    return a;
}

static void print_interface(const frit_artifact *a) {
    frit_artifact_info info = {.struct_bytes = sizeof info};
    a->info(a, &info);
    printf("%s for %s, made by %s\n", info.name, info.target, info.producer);
    for (uint32_t i = 0; i < info.n_symbols; i++) {
        frit_symbol s = {.struct_bytes = sizeof s};
        a->symbol(a, i, &s);
        printf("  %s in %lld..%lld\n", s.name, (long long)s.lo, (long long)s.hi);
    }
    for (uint32_t i = 0; i < info.n_inputs + info.n_outputs; i++) {
        const int is_input = i < info.n_inputs;
        frit_port p = {.struct_bytes = sizeof p};
        is_input ? a->input(a, i, &p) : a->output(a, i - info.n_inputs, &p);
        printf("  %s %s[", is_input ? "in " : "out", p.name);
        for (uint32_t d = 0; d < p.rank; d++) printf("%s%s", d ? ", " : "", p.dim_text[d]);
        printf("]\n");
    }
}

/* A context of one thread for at most these dims, in memory that is ours; *out_memory is to be freed after it. */
static frit_context *open_context(const frit_artifact *a, const frit_tensor *x, void **out_memory) {
    char message[256] = "";
    int64_t symbols[MAX_SYMBOLS];
    if (a->bind(a, x, symbols, message, sizeof message) != FRIT_OK) die("bind", message);
    frit_options options = {.struct_bytes = sizeof options, .n_threads = 1, .max_symbols = symbols};
    frit_memory need = {.struct_bytes = sizeof need};
    if (a->memory(a, &options, &need, message, sizeof message) != FRIT_OK) die("memory", message);
    options.memory_bytes = (need.context_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    options.memory = *out_memory = aligned_alloc(ALIGNMENT, options.memory_bytes);
    if (!options.memory) die("memory", "not enough");
    frit_context *context = NULL;
    if (a->create(a, &options, &context, message, sizeof message) != FRIT_OK) die("create", message);
    printf("one context takes %llu bytes, %llu of them for tensors\n", (unsigned long long)need.context_bytes,
           (unsigned long long)need.arena_bytes);
    return context;
}

static double largest_error(const float *y, const double *expected, int64_t n) {
    double largest = 0;
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)y[i] - expected[i]));
    return largest;
}

int main(int argc, char **argv) {
    static float x_data[N], y_data[N];
    static double expected[N];
    if (argc != 4) die("usage", "attention ARTIFACT.so x.npy y.npy");
    read_npy(argv[2], x_data, sizeof x_data);
    read_npy(argv[3], expected, sizeof expected);
    const frit_artifact *a = open_artifact(argv[1]);
    print_interface(a);

    int64_t dims[3] = {BATCH, LENGTH, WIDTH};
    const frit_tensor x = {x_data, FRIT_DT_F32, 3, dims, NULL}, y = {y_data, FRIT_DT_F32, 3, dims, NULL};
    void *memory;
    frit_context *context = open_context(a, &x, &memory);
    double worst = 0;
    for (dims[0] = 1; dims[0] <= BATCH; dims[0]++) { /* the same context, smaller dims */
        if (a->run(context, &x, &y) != FRIT_OK) die("run", a->error(context));
        const double error = largest_error(y_data, expected, dims[0] * LENGTH * WIDTH);
        printf("batch %lld: largest error %.2g\n", (long long)dims[0], error);
        worst = fmax(worst, error);
    }
    dims[2] = WIDTH - 1; /* what does not fit is refused with a sentence */
    if (a->run(context, &x, &y) == FRIT_OK) die("run", "took a wrong width");
    printf("a width of %d is refused: %s\n", WIDTH - 1, a->error(context));
    a->destroy(context);
    free(memory);
    return worst < tolerance ? 0 : 1;
}
