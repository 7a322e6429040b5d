/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The attention block of examples/attention as C functions: recorded with two symbolic dims, compiled in this process,
 * and run. The same program as attention.onnx, so it gives the same bits.
 *
 *     cc -O2 -Iinclude examples/trace/attention.c -o trace_attention -Lbuild -lfrit -Wl,-rpath,$PWD/build -lm
 *     ./trace_attention examples/attention                  prints the largest error against y.npy
 *     ./trace_attention examples/attention --text           the program as plain .fir text
 *     ./trace_attention examples/attention --save OUT.so    the artifact
 *     ./trace_attention examples/attention --out FILE       writes the result as plain floats */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frit.h"

enum { BATCH = 2, LENGTH = 19, WIDTH = 64, HEADS = 4, DEPTH = WIDTH / HEADS, N = BATCH * LENGTH * WIDTH };
enum { NPY_HEADER_BYTES = 128, MAX_PATH = 4096 };
static const double tolerance = 1e-5;

static void die(const char *what, const char *why) {
    fprintf(stderr, "trace_attention: %s: %s\n", what, why);
    exit(1);
}

/* One of the block's four projections. */
typedef struct part {
    const char *name; /* "query" */
    frit_value *weight, *bias;
} part;

static frit_value *named(frit_value *x, const char *part, const char *what) {
    char name[64];
    snprintf(name, sizeof name, "%s%s", part, what);
    return frit_name(x, name);
}

/* The next part of weights.f32, in which each weight is followed by its bias. */
static part next_part(frit_tracer *t, const float **next, const char *name) {
    part p = {.name = name};
    p.weight = named(frit_constant(t, FRIT_DT_F32, FRIT_LIST(WIDTH, WIDTH), *next), name, ".weight");
    p.bias = named(frit_constant(t, FRIT_DT_F32, FRIT_LIST(WIDTH), *next + WIDTH * WIDTH), name, ".bias");
    *next += WIDTH * WIDTH + WIDTH;
    return p;
}

static frit_value *project(frit_value *x, const part *p, const char *result) {
    frit_value *product = named(frit_matmul(x, p->weight), p->name, ".product");
    return frit_name(frit_add(product, p->bias), result);
}

/* x projected, and its width split into heads: [batch, length, 64] -> [batch, 4, length, 16] in the order given. */
static frit_value *heads_of(frit_value *x, const part *p, frit_list order) {
    frit_value *rows = project(x, p, p->name);
    rows = frit_reshape(rows, FRIT_LIST(frit_dim_of(x, 0), frit_dim_of(x, 1), HEADS, DEPTH));
    return named(frit_transpose(named(rows, p->name, ".rows"), order), p->name, ".heads");
}

/* x f32[batch, length, 64] -> y of the same shape */
static void record_attention(frit_tracer *t, const float *weights) {
    static const float scale_value = 0.25f; /* 1 / sqrt(DEPTH) */
    frit_dim batch = frit_dim_sym(t, "batch", 0, 0), length = frit_dim_sym(t, "length", 0, 0);
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(batch, length, WIDTH));
    const part query = next_part(t, &weights, "query"), key = next_part(t, &weights, "key");
    const part value = next_part(t, &weights, "value"), out = next_part(t, &weights, "out");
    frit_value *scale = frit_name(frit_constant(t, FRIT_DT_F32, FRIT_EMPTY, &scale_value), "scale");

    frit_value *q = heads_of(x, &query, FRIT_LIST(0, 2, 1, 3));
    frit_value *k = heads_of(x, &key, FRIT_LIST(0, 2, 3, 1)); /* transposed for the product */
    frit_value *v = heads_of(x, &value, FRIT_LIST(0, 2, 1, 3));
    frit_value *scores = frit_name(frit_matmul(q, k), "scores");
    frit_value *shares = frit_name(frit_softmax(frit_name(frit_mul(scores, scale), "scaled"), -1), "shares");
    frit_value *mixed = frit_name(frit_matmul(shares, v), "mixed");
    mixed = frit_name(frit_transpose(mixed, FRIT_LIST(0, 2, 1, 3)), "mixed.rows");
    frit_value *joined = frit_name(frit_reshape(mixed, FRIT_LIST(batch, length, WIDTH)), "joined");
    frit_output(project(joined, &out, "y"), "y");
}

/* The data of DIR/name, which is to have exactly header_bytes + n_bytes bytes. */
static void read_file(const char *dir, const char *name, long header_bytes, size_t n_bytes, void *out) {
    char path[MAX_PATH];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, header_bytes, SEEK_SET) != 0 || fread(out, 1, n_bytes, f) != n_bytes || fgetc(f) != EOF)
        die(path, "is not the file that make.py wrote");
    fclose(f);
}

/* 0 when the result is right. */
static int run_on_example(frit_model *m, const char *dir, const char *out_path) {
    static float x[N], y[N];
    static double expected[N];
    read_file(dir, "x.npy", NPY_HEADER_BYTES, sizeof x, x);
    read_file(dir, "y.npy", NPY_HEADER_BYTES, sizeof expected, expected);
    const int64_t dims[3] = {BATCH, LENGTH, WIDTH};
    const frit_tensor in = {x, FRIT_DT_F32, 3, dims, NULL}, out = {y, FRIT_DT_F32, 3, dims, NULL};
    if (frit_run(m, &in, &out) != FRIT_OK) die("run", frit_model_error(m));
    double largest = 0;
    for (int i = 0; i < N; i++) largest = fmax(largest, fabs((double)y[i] - expected[i]));
    printf("largest error %.2g\n", largest);
    FILE *f = out_path ? fopen(out_path, "wb") : NULL;
    if (out_path && (!f || fwrite(y, 1, sizeof y, f) != sizeof y || fclose(f) != 0)) die(out_path, "not written");
    return largest < tolerance ? 0 : 1;
}

int main(int argc, char **argv) {
    const char *mode = argc > 2 ? argv[2] : "", *file = argc > 3 ? argv[3] : NULL;
    if (argc < 2) die("usage", "trace_attention DIR [--text | --save OUT.so | --out FILE]");
    static float weights[4 * (WIDTH * WIDTH + WIDTH)];
    read_file(argv[1], "weights.f32", 0, sizeof weights, weights);
    frit_tracer *t = frit_tracer_create("attention");
    record_attention(t, weights);

    int status = 0;
    if (strcmp(mode, "--text") == 0) {
        const char *text = frit_text(t, true);
        if (!text) die("text", frit_error(t));
        fputs(text, stdout);
    } else if (strcmp(mode, "--save") == 0) {
        if (frit_save(t, NULL, file) != FRIT_OK) die("save", frit_error(t));
    } else {
        frit_model *m;
        if (frit_compile(t, NULL, &m) != FRIT_OK) die("compile", frit_error(t));
        status = run_on_example(m, argv[1], file);
        frit_model_destroy(m);
    }
    frit_tracer_destroy(t);
    return status;
}
