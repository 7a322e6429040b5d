/* The digit reader as a C function: the same network as examples/digits/digits.onnx, recorded instead of read.
 *
 *     cc -Iinclude examples/trace/digits.c -Lbuild -lfrit -Wl,-rpath,$PWD/build -o digits
 *     ./digits examples/digits/weights.f32 run examples/digits/held_out.npy     logits of every image, as text
 *     ./digits examples/digits/weights.f32 text                                 the graph
 *     ./digits examples/digits/weights.f32 save digits.so                       a shared object for any host */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frit.h"

/* Weights stand in the file one after the other. */
typedef struct weights {
    frit_program *p;
    const float *at, *end;
} weights;

static frit_value next_weight(weights *w, const char *name, int rank, const int64_t *dims) {
    int64_t n = 1;
    for (int i = 0; i < rank; i++) n *= dims[i];
    if (w->end - w->at < n) {
        fprintf(stderr, "the file of weights ends before %s\n", name);
        exit(1);
    }
    frit_value v = frit_constant(w->p, name, FRIT_DT_F32, rank, dims, w->at);
    w->at += n;
    return v;
}

#define CONV "strides = [1, 1], pads = [1, 1, 1, 1], dilations = [1, 1]"

/* image [batch, 1, 8, 8] -> ten logits */
static frit_value digits(frit_value image, weights *w) {
    frit_value w1 = next_weight(w, "conv1.weight", 4, (int64_t[]){16, 1, 3, 3});
    frit_value b1 = next_weight(w, "conv1.bias", 1, (int64_t[]){16});
    frit_value w2 = next_weight(w, "conv2.weight", 4, (int64_t[]){32, 16, 3, 3});
    frit_value b2 = next_weight(w, "conv2.bias", 1, (int64_t[]){32});
    frit_value w3 = next_weight(w, "conv3.weight", 4, (int64_t[]){32, 32, 3, 3});
    frit_value b3 = next_weight(w, "conv3.bias", 1, (int64_t[]){32});
    frit_value w4 = next_weight(w, "fc.weight", 2, (int64_t[]){10, 512});
    frit_value b4 = next_weight(w, "fc.bias", 1, (int64_t[]){10});

    frit_value x = frit_relu(frit_apply("conv", CONV, image, w1, b1));
    x = frit_relu(frit_apply("conv", CONV, x, w2, b2));
    x = frit_apply("max_pool", "sizes = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], dilations = [1, 1]", x);
    x = frit_relu(frit_apply("conv", CONV, x, w3, b3));
    x = frit_reshape(x, 2, ((int64_t[]){frit_dim_of(image, 0), 512}));
    return frit_add(frit_matmul(x, frit_transpose(w4, ((int64_t[]){1, 0}))), b4);
}

static char *read_file(const char *path, size_t *out_bytes) {
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END)) {
        perror(path);
        exit(1);
    }
    *out_bytes = (size_t)ftell(f);
    char *bytes = malloc(*out_bytes + 1);
    rewind(f);
    if (!bytes || fread(bytes, 1, *out_bytes, f) != *out_bytes) {
        perror(path);
        exit(1);
    }
    fclose(f);
    return bytes;
}

static void fail(frit_program *p) {
    fprintf(stderr, "%s\n", frit_program_error(p));
    exit(1);
}

/* Runs all images of a .npy file at once and prints their logits. */
static void run(frit_program *p, const char *path) {
    size_t n_bytes;
    char *npy = read_file(path, &n_bytes);
    if (n_bytes < 10) exit(1);
    size_t header = 10u + (unsigned char)npy[8] + 256u * (unsigned char)npy[9];
    int64_t n = (int64_t)((n_bytes - header) / (64 * sizeof(float)));
    float *images = malloc((size_t)n * 64 * sizeof *images), *logits = malloc((size_t)n * 10 * sizeof *logits);
    if (!images || !logits) exit(1);
    memcpy(images, npy + header, (size_t)n * 64 * sizeof *images);
    frit_tensor in = {images, FRIT_DT_F32, 4, (int64_t[]){n, 1, 8, 8}, NULL};
    frit_tensor out = {logits, FRIT_DT_F32, 2, (int64_t[]){n, 10}, NULL};
    if (frit_program_run(p, &in, &out) != FRIT_OK) fail(p);
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < 10; k++) printf("%a%c", (double)logits[i * 10 + k], k < 9 ? ' ' : '\n');
    free(logits);
    free(images);
    free(npy);
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: %s WEIGHTS run IMAGES.npy | text | save OUT.so\n", argv[0]);
        return 2;
    }
    size_t n_bytes;
    char *bytes = read_file(argv[1], &n_bytes);
    frit_program *p = frit_program_create("digits");
    weights w = {p, (const float *)(void *)bytes, (const float *)(void *)(bytes + n_bytes)};
    int64_t batch = frit_dim_symbol(p, "batch", 1, 65536);
    frit_value image = frit_input(p, "image", FRIT_DT_F32, 4, ((int64_t[]){batch, 1, 8, 8}));
    frit_output(p, "logits", digits(image, &w));

    if (*frit_program_error(p)) fail(p);
    if (!strcmp(argv[2], "text")) {
        printf("%s", frit_program_text(p));
    } else if (!strcmp(argv[2], "save") && argc > 3) {
        if (frit_program_save(p, NULL, argv[3]) != FRIT_OK) fail(p);
    } else if (!strcmp(argv[2], "run") && argc > 3) {
        run(p, argv[3]);
    }
    frit_program_destroy(p);
    free(bytes);
    return 0;
}
