/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads held-out digits with the compiled model, draws some of them, and prints accuracy and latency. It is also the
 * shortest real user of an artifact: it knows frit_artifact.h and dlopen, nothing else of frit.
 *
 *     show digits.so held_out.npy labels.npy */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frit_artifact.h"

enum {
    SIDE = 8,
    PIXELS = SIDE * SIDE,
    N_CLASSES = 10,
    N_SHOWN = 10,
    PER_ROW = 5,
    MESSAGE_BYTES = 256,
    MAX_SYMBOLS = 8
};

typedef struct images {
    float *pixels;   /* n images of 8x8, 0..1 */
    int64_t *labels; /* the digit that each shows */
    int64_t n;
} images;

static void die(const char *what, const char *why) {
    fprintf(stderr, "show: %s: %s\n", what, why);
    exit(1);
}

/* Reads a version-1 .npy file whose elements have the given type ("<f4") into fresh memory; *out_n: their number. */
static void *read_npy(const char *path, const char *type, size_t element_bytes, int64_t *out_n) {
    FILE *f = fopen(path, "rb");
    if (!f) die(path, "cannot be opened");
    unsigned char start[10];
    if (fread(start, 1, sizeof start, f) != sizeof start || memcmp(start, "\x93NUMPY\x01", 7)) die(path, "is not .npy");
    size_t header_bytes = start[8] + 256u * start[9];
    char *header = calloc(1, header_bytes + 1);
    if (!header || fread(header, 1, header_bytes, f) != header_bytes) die(path, "is cut short");
    if (!strstr(header, type)) die(path, "has another element type");
    free(header);
    long data_start = ftell(f);
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)(ftell(f) - data_start) / element_bytes;
    fseek(f, data_start, SEEK_SET);
    void *data = malloc(n * element_bytes + 1);
    if (!data || fread(data, element_bytes, n, f) != n) die(path, "cannot be read");
    fclose(f);
    *out_n = (int64_t)n;
    return data;
}

static const frit_artifact *open_artifact(const char *path) {
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!so) die(path, dlerror());
    void *symbol = dlsym(so, FRIT_ARTIFACT_SYMBOL);
    frit_artifact_table_fn *table;
    memcpy(&table, &symbol, sizeof table); /* ISO C has no cast from object to function pointers */
    const frit_artifact *a = symbol ? table(FRIT_ARTIFACT_ABI) : NULL;
    if (!a) die(path, "is no artifact of this version");
    return a;
}

/* A context for batches of up to n images. */
static frit_context *open_context(const frit_artifact *a, int64_t n) {
    char message[MESSAGE_BYTES];
    int64_t dims[4] = {n, 1, SIDE, SIDE}, symbols[MAX_SYMBOLS];
    float *zeros = calloc((size_t)n * PIXELS, sizeof *zeros);
    frit_tensor x = {zeros, FRIT_DT_F32, 4, dims, NULL};
    if (a->bind(a, &x, symbols, message, sizeof message)) die("the model", message);
    free(zeros);
    frit_options options = {.struct_bytes = sizeof options, .max_symbols = symbols};
    frit_context *context = NULL;
    if (a->create(a, &options, &context, message, sizeof message)) die("the model", message);
    return context;
}

/* logits[n][10] of n images. */
static void read_digits(const frit_artifact *a, frit_context *context, const float *pixels, int64_t n, float *logits) {
    int64_t x_dims[4] = {n, 1, SIDE, SIDE}, y_dims[2] = {n, N_CLASSES};
    frit_tensor x = {(void *)pixels, FRIT_DT_F32, 4, x_dims, NULL}, y = {logits, FRIT_DT_F32, 2, y_dims, NULL};
    if (a->run(context, &x, &y)) die("run", a->error(context));
}

static int best_of(const float *logits) {
    int best = 0;
    for (int i = 1; i < N_CLASSES; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

/* Draws images of a row side by side, each pixel two characters wide, and the answers below. */
static void draw_row(const images *set, const float *logits, const int64_t *which, int n) {
    static const char ink[] = " .:-=+*#%@";
    for (int y = 0; y < SIDE; y++) {
        for (int i = 0; i < n; i++) {
            const float *line = set->pixels + which[i] * PIXELS + y * SIDE;
            for (int x = 0; x < SIDE; x++) {
                char c = ink[(int)(line[x] * (float)(sizeof ink - 2) + 0.5f)];
                printf("%c%c", c, c);
            }
            printf("    ");
        }
        putchar('\n');
    }
    for (int i = 0; i < n; i++) {
        int answer = best_of(logits + which[i] * N_CLASSES);
        int is_right = answer == (int)set->labels[which[i]];
        char text[32];
        snprintf(text, sizeof text, is_right ? "frit reads %d" : "frit reads %d, is %d", answer,
                 (int)set->labels[which[i]]);
        printf("%-*s", 2 * SIDE + 4, text);
    }
    printf("\n\n");
}

/* Draws N_SHOWN images spread over the set, the last of them one that was misread if there is any. */
static void draw_some(const images *set, const float *logits) {
    int64_t which[N_SHOWN];
    for (int i = 0; i < N_SHOWN; i++) which[i] = i * (set->n / N_SHOWN);
    for (int64_t i = 0; i < set->n; i++)
        if (best_of(logits + i * N_CLASSES) != (int)set->labels[i]) which[N_SHOWN - 1] = i;
    for (int i = 0; i < N_SHOWN; i += PER_ROW) draw_row(set, logits, which + i, PER_ROW);
}

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median time of one call with n images, in microseconds. */
static double median_us(const frit_artifact *a, const images *set, int64_t n, float *logits) {
    enum { N_RUNS = 101 };
    double times[N_RUNS];
    frit_context *context = open_context(a, n);
    read_digits(a, context, set->pixels, n, logits);
    for (int i = 0; i < N_RUNS; i++) {
        double start = now_us();
        read_digits(a, context, set->pixels, n, logits);
        times[i] = now_us() - start;
    }
    a->destroy(context);
    qsort(times, N_RUNS, sizeof *times, compare_doubles);
    return times[N_RUNS / 2];
}

int main(int argc, char **argv) {
    if (argc != 4) die("usage", "show digits.so held_out.npy labels.npy");
    const frit_artifact *a = open_artifact(argv[1]);
    int64_t n_pixels;
    images set;
    set.pixels = read_npy(argv[2], "<f4", sizeof *set.pixels, &n_pixels);
    set.labels = read_npy(argv[3], "<i8", sizeof *set.labels, &set.n);
    if (n_pixels != set.n * PIXELS || set.n < N_SHOWN) die(argv[2], "does not fit the labels");

    float *logits = malloc((size_t)set.n * N_CLASSES * sizeof *logits);
    if (!logits) die("logits", "out of memory");
    frit_context *context = open_context(a, set.n);
    read_digits(a, context, set.pixels, set.n, logits);
    a->destroy(context);
    draw_some(&set, logits);

    int64_t n_right = 0;
    for (int64_t i = 0; i < set.n; i++) n_right += best_of(logits + i * N_CLASSES) == (int)set.labels[i];
    printf("accuracy  %d of %d held-out images (%.1f %%)\n", (int)n_right, (int)set.n,
           100.0 * (double)n_right / (double)set.n);
    double one = median_us(a, &set, 1, logits), all = median_us(a, &set, set.n, logits);
    printf("latency   %.0f us for one image; %.2f us an image in a batch of %d (medians of 101 runs)\n", one,
           all / (double)set.n, (int)set.n);
    free(logits), free(set.pixels), free(set.labels);
    return 0;
}
