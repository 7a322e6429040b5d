/* A block of self-attention as a C function: the same as examples/attention/attention.onnx, recorded instead of read.
 * Batch and length are symbolic: one compilation serves all.
 *
 *     cc -Iinclude examples/trace/attention.c -Lbuild -lfrit -Wl,-rpath,$PWD/build -o attention
 *     ./attention examples/attention/weights.f32 run       runs two shapes and prints a sum of each
 *     ./attention examples/attention/weights.f32 text      the graph
 *     ./attention examples/attention/weights.f32 save attention.so */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frit.h"

enum { WIDTH = 64, HEADS = 4, DEPTH = WIDTH / HEADS };
#define DIMS(...) ((int64_t[]){__VA_ARGS__})

/* One affine map: [.., 64] -> [.., 64] */
typedef struct linear {
    frit_value weight, bias;
} linear;

static linear read_linear(frit_program *p, const float **at, const char *weight, const char *bias) {
    linear l = {frit_constant(p, weight, FRIT_DT_F32, 2, DIMS(WIDTH, WIDTH), *at),
                frit_constant(p, bias, FRIT_DT_F32, 1, DIMS(WIDTH), *at + WIDTH * WIDTH)};
    *at += WIDTH * WIDTH + WIDTH;
    return l;
}

static frit_value apply(linear l, frit_value x) { return frit_add(frit_matmul(x, l.weight), l.bias); }

/* [batch, length, 64] -> [batch, length, 4, 16], its axes reordered */
static frit_value split(frit_value x, const int64_t *order) {
    frit_value rows = frit_reshape(x, 4, DIMS(frit_dim_of(x, 0), frit_dim_of(x, 1), HEADS, DEPTH));
    return frit_transpose(rows, order);
}

static frit_value attention(frit_program *p, frit_value x, const float *weights) {
    linear query = read_linear(p, &weights, "query.weight", "query.bias");
    linear key = read_linear(p, &weights, "key.weight", "key.bias");
    linear value = read_linear(p, &weights, "value.weight", "value.bias");
    linear out = read_linear(p, &weights, "out.weight", "out.bias");
    frit_value scale = frit_constant(p, "scale", FRIT_DT_F32, 0, NULL, &(float){0.25f}); /* 1 / sqrt(DEPTH) */

    frit_value q = split(apply(query, x), DIMS(0, 2, 1, 3));
    frit_value k = split(apply(key, x), DIMS(0, 2, 3, 1));
    frit_value v = split(apply(value, x), DIMS(0, 2, 1, 3));
    frit_value shares = frit_softmax(frit_mul(frit_matmul(q, k), scale), -1);
    frit_value mixed = frit_transpose(frit_matmul(shares, v), DIMS(0, 2, 1, 3));
    return apply(out, frit_reshape(mixed, 3, DIMS(frit_dim_of(x, 0), frit_dim_of(x, 1), WIDTH)));
}

static void fail(frit_program *p) {
    fprintf(stderr, "%s\n", frit_program_error(p));
    exit(1);
}

static void run(frit_program *p, int64_t batch, int64_t length) {
    size_t n = (size_t)(batch * length * WIDTH);
    float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
    if (!x || !y) exit(1);
    for (size_t i = 0; i < n; i++) x[i] = (float)((i * 7919) % 1000) / 500.0f - 1.0f;
    frit_tensor in = {x, FRIT_DT_F32, 3, DIMS(batch, length, WIDTH), NULL};
    frit_tensor out = {y, FRIT_DT_F32, 3, DIMS(batch, length, WIDTH), NULL};
    if (frit_program_run(p, &in, &out) != FRIT_OK) fail(p);
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)y[i];
    printf("batch %d, length %d: the outputs add up to %.6f\n", (int)batch, (int)length, sum);
    free(x);
    free(y);
}

static float *read_weights(const char *path) {
    size_t n = 4 * (WIDTH * WIDTH + WIDTH);
    float *weights = malloc(n * sizeof *weights);
    FILE *f = fopen(path, "rb");
    if (!f || !weights || fread(weights, sizeof *weights, n, f) != n) {
        perror(path);
        exit(1);
    }
    fclose(f);
    return weights;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: %s WEIGHTS run | text | save OUT.so\n", argv[0]);
        return 2;
    }
    float *weights = read_weights(argv[1]);
    frit_program *p = frit_program_create("attention");
    int64_t batch = frit_dim_symbol(p, "batch", 1, 65536), length = frit_dim_symbol(p, "length", 1, 65536);
    frit_value x = frit_input(p, "x", FRIT_DT_F32, 3, DIMS(batch, length, WIDTH));
    frit_output(p, "y", attention(p, x, weights));

    if (*frit_program_error(p)) fail(p);
    if (!strcmp(argv[2], "text")) {
        printf("%s", frit_program_text(p));
    } else if (!strcmp(argv[2], "save") && argc > 3) {
        if (frit_program_save(p, NULL, argv[3]) != FRIT_OK) fail(p);
    } else if (!strcmp(argv[2], "run")) {
        run(p, 2, 19);
        run(p, 1, 300);
    }
    frit_program_destroy(p);
    free(weights);
    return 0;
}
