/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The digit reader of examples/digits as a C function: recorded, compiled in this process, and run on images that
 * training never saw. The same program as digits.onnx, so it gives the same bits.
 *
 *     cc -O2 -Iinclude examples/trace/digits.c -o trace_digits -Lbuild -lfrit -Wl,-rpath,$PWD/build
 *     ./trace_digits examples/digits                   prints how many digits it reads right
 *     ./trace_digits examples/digits --text            the program as plain .fir text
 *     ./trace_digits examples/digits --save OUT.so     the artifact
 *     ./trace_digits examples/digits --logits FILE     writes the logits as plain floats */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frit.h"

enum { SIDE = 8, N_CLASSES = 10, N_IMAGES = 360, NPY_HEADER_BYTES = 128, N_WEIGHTS = 19178, MAX_PATH = 4096 };

static void die(const char *what, const char *why) {
    fprintf(stderr, "trace_digits: %s: %s\n", what, why);
    exit(1);
}

/* The next of the weights, which follow each other in weights.f32, under their name in the model. */
static frit_value *weight(frit_tracer *t, const float **next, const char *name, frit_list shape) {
    frit_value *w = frit_name(frit_constant(t, FRIT_DT_F32, shape, *next), name);
    size_t n = 1;
    for (uint32_t i = 0; i < shape.n; i++) n *= (size_t)shape.at[i];
    *next += n;
    return w;
}

/* One convolution of 3x3 that keeps the image's size, and a relu. */
static frit_value *layer(frit_value *x, frit_value *const weights[2], const char *const names[2]) {
    const frit_conv_options same = {.pads = FRIT_LIST(1, 1, 1, 1)};
    frit_value *y = frit_name(frit_conv(x, weights[0], weights[1], &same), names[0]);
    return frit_name(frit_relu(y), names[1]);
}

/* image f32[batch, 1, 8, 8] -> logits f32[batch, 10] */
static void record_digits(frit_tracer *t, const float *w) {
    frit_dim batch = frit_dim_sym(t, "batch", 0, 0);
    frit_value *image = frit_input(t, "image", FRIT_DT_F32, FRIT_LIST(batch, 1, SIDE, SIDE));
    frit_value *conv1[] = {weight(t, &w, "conv1.weight", FRIT_LIST(16, 1, 3, 3)),
                           weight(t, &w, "conv1.bias", FRIT_LIST(16))};
    frit_value *conv2[] = {weight(t, &w, "conv2.weight", FRIT_LIST(32, 16, 3, 3)),
                           weight(t, &w, "conv2.bias", FRIT_LIST(32))};
    frit_value *conv3[] = {weight(t, &w, "conv3.weight", FRIT_LIST(32, 32, 3, 3)),
                           weight(t, &w, "conv3.bias", FRIT_LIST(32))};
    frit_value *fc = weight(t, &w, "fc.weight", FRIT_LIST(N_CLASSES, 512));
    frit_value *fc_bias = weight(t, &w, "fc.bias", FRIT_LIST(N_CLASSES));

    frit_value *x = layer(image, conv1, (const char *const[]){"conv1", "relu1"});
    x = layer(x, conv2, (const char *const[]){"conv2", "relu2"});
    const frit_pool_options halve = {.sizes = FRIT_LIST(2, 2), .strides = FRIT_LIST(2, 2)};
    x = frit_name(frit_max_pool(x, &halve, NULL), "pool");
    x = layer(x, conv3, (const char *const[]){"conv3", "relu3"});
    x = frit_name(frit_flatten(x, 1), "flat");
    x = frit_add(frit_matmul(x, frit_transpose(fc, FRIT_LIST(1, 0))), fc_bias);
    frit_output(frit_name(x, "logits"), "logits");
}

/* The data of DIR/name, which is to have exactly header_bytes + n_bytes bytes. */
static void read_file(const char *dir, const char *name, long header_bytes, size_t n_bytes, void *out) {
    char path[MAX_PATH];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, header_bytes, SEEK_SET) != 0 || fread(out, 1, n_bytes, f) != n_bytes || fgetc(f) != EOF)
        die(path, "is not the file that train.py wrote");
    fclose(f);
}

static int count_right(const float *logits, const int64_t *labels) {
    int n_right = 0;
    for (int i = 0; i < N_IMAGES; i++) {
        int best = 0;
        for (int k = 1; k < N_CLASSES; k++)
            if (logits[i * N_CLASSES + k] > logits[i * N_CLASSES + best]) best = k;
        n_right += best == labels[i];
    }
    return n_right;
}

static void run_on_held_out(frit_model *m, const char *dir, const char *logits_path) {
    static float images[N_IMAGES * SIDE * SIDE], logits[N_IMAGES * N_CLASSES];
    static int64_t labels[N_IMAGES];
    read_file(dir, "held_out.npy", NPY_HEADER_BYTES, sizeof images, images);
    read_file(dir, "labels.npy", NPY_HEADER_BYTES, sizeof labels, labels);
    const int64_t in_dims[4] = {N_IMAGES, 1, SIDE, SIDE}, out_dims[2] = {N_IMAGES, N_CLASSES};
    const frit_tensor in = {images, FRIT_DT_F32, 4, in_dims, NULL}, out = {logits, FRIT_DT_F32, 2, out_dims, NULL};
    if (frit_run(m, &in, &out) != FRIT_OK) die("run", frit_model_error(m));
    printf("%d of %d digits are read right\n", count_right(logits, labels), N_IMAGES);
    if (!logits_path) return;
    FILE *f = fopen(logits_path, "wb");
    if (!f || fwrite(logits, 1, sizeof logits, f) != sizeof logits || fclose(f) != 0) die(logits_path, "not written");
}

int main(int argc, char **argv) {
    const char *mode = argc > 2 ? argv[2] : "", *file = argc > 3 ? argv[3] : NULL;
    if (argc < 2) die("usage", "trace_digits DIR [--text | --save OUT.so | --logits FILE]");
    static float weights[N_WEIGHTS];
    read_file(argv[1], "weights.f32", 0, sizeof weights, weights);
    frit_tracer *t = frit_tracer_create("digits");
    record_digits(t, weights);

    if (strcmp(mode, "--text") == 0) {
        const char *text = frit_text(t, true);
        if (!text) die("text", frit_error(t));
        fputs(text, stdout);
    } else if (strcmp(mode, "--save") == 0) {
        if (frit_save(t, NULL, file) != FRIT_OK) die("save", frit_error(t));
    } else {
        frit_model *m;
        if (frit_compile(t, NULL, &m) != FRIT_OK) die("compile", frit_error(t));
        run_on_held_out(m, argv[1], file);
        frit_model_destroy(m);
    }
    frit_tracer_destroy(t);
    return 0;
}
