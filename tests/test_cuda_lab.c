/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The hand-written memory-bound kernels, few-row products and attention of tests/gpu/spike under the CPU emulation: each
 * schedule of the .def files against sums in double, on sizes with partial tiles and rows. */
#include <check.h>
#include <math.h>
#include <stdarg.h>

#include "cuda_emulated.h"
#include "quick.h"

typedef enum kind { maps, rows, norm_backward, long_rows, skinny, attention, attention_decode, N_KINDS } kind;

static const char *const kind_names[N_KINDS] = {
    [maps] = "maps",     [rows] = "rows",           [norm_backward] = "norm_backward",      [long_rows] = "long_rows",
    [skinny] = "skinny", [attention] = "attention", [attention_decode] = "attention_decode"};

/* A row of one of the .def files, with its numbers in that file's order. */
typedef struct schedule {
    kind of;
    const char *name, *constants;
    unsigned v[8];
} schedule;

static const schedule schedules[] = {
#define MAPS(name, threads, chunks, is_once, erf, blocks)                                                              \
    {maps,                                                                                                             \
     #name,                                                                                                            \
     "THREADS = " #threads ", CHUNKS = " #chunks ", IS_ONCE = " #is_once ", QUICK_ERF = " #erf,                        \
     {threads, chunks}},
#include "tests/gpu/spike/maps.def"
#define ROWS(name, group, n_rows, chunks, stages, is_tuple, is_packed, blocks)                                         \
    {rows,                                                                                                             \
     #name,                                                                                                            \
     "GROUP = " #group ", ROWS = " #n_rows ", CHUNKS = " #chunks ", STAGES = " #stages ", IS_TUPLE = " #is_tuple       \
     ", IS_PACKED = " #is_packed,                                                                                      \
     {group, n_rows, chunks, stages}},
#include "tests/gpu/spike/rows.def"
#define NORM_BACKWARD(name, threads, chunks, stages, blocks)                                                           \
    {norm_backward, #name, "THREADS = " #threads ", CHUNKS = " #chunks ", STAGES = " #stages, {threads, chunks}},
#include "tests/gpu/spike/norm_backward.def"
#define LONG_ROWS(name, threads, chunks, cluster, is_tile, blocks)                                                     \
    {long_rows,                                                                                                        \
     #name,                                                                                                            \
     "THREADS = " #threads ", CHUNKS = " #chunks ", CLUSTER = " #cluster,                                              \
     {threads, chunks, cluster, is_tile}},
#include "tests/gpu/spike/long_rows.def"
#define SKINNY_OF(name, columns, bits, group, tiles, warps_n, warps_k, stages)                                         \
    {skinny,                                                                                                           \
     #name,                                                                                                            \
     "BITS = " #bits ", GROUP = " #group ", TILES = " #tiles ", WARPS_N = " #warps_n ", WARPS_K = " #warps_k           \
     ", STAGES = " #stages ", COLUMNS = " #columns,                                                                    \
     {bits, group, tiles, warps_n, warps_k, stages, columns}},
#define SKINNY(name, bits, group, tiles, warps_n, warps_k, stages, blocks)                                             \
    SKINNY_OF(name, 8, bits, group, tiles, warps_n, warps_k, stages)                                                   \
    SKINNY_OF(name, 16, bits, group, tiles, warps_n, warps_k, stages)
#include "tests/gpu/spike/skinny.def"
#define ATTENTION(name, d, n_rows, warps, keys, stages, blocks, is_kept, partial, is_shared)                           \
    {attention,                                                                                                        \
     #name,                                                                                                            \
     "D = " #d ", ROWS = " #n_rows ", WARPS = " #warps ", KEYS = " #keys ", STAGES = " #stages ", IS_KEPT = " #is_kept \
     ", PARTIAL = " #partial ", IS_TOTAL_SHARED = " #is_shared,                                                        \
     {d, n_rows, warps, keys, partial}},
#include "tests/gpu/spike/attention.def"
#define DECODE(name, d, warps, keys, slices, blocks, partial)                                                          \
    {attention_decode,                                                                                                 \
     #name,                                                                                                            \
     "ROWS = 1, D = " #d ", WARPS = " #warps ", KEYS = " #keys ", SLICES = " #slices ", PARTIAL = " #partial,          \
     {d, warps, keys, partial}},
#include "tests/gpu/spike/attention_decode.def"
};

static arena job, scratch;
static cx c;
static void *library;
static uint32_t seed;

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
    seed = 1;
}

static void teardown(void) {
    if (library) dlclose(library);
    library = NULL;
    arena_fini(&job), arena_fini(&scratch);
}

static void add_file(strbuf *b, const char *name) {
    char part[4096];
    FILE *f = fopen(arena_printf(&job, FRIT_SOURCE "/tests/gpu/spike/%s.cu", name), "r");
    ck_assert_msg(f != NULL, "%s.cu cannot be read", name);
    for (size_t n; (n = fread(part, 1, sizeof part, f));) strbuf_addn(b, part, n);
    fclose(f);
}

/* Whether schedule i is one of this kind that runs: in quick runs the first one and the last. */
static bool is_chosen(size_t i, kind of) {
    if (schedules[i].of != of) return false;
    bool is_first = i == 0 || schedules[i - 1].of != of;
    bool is_last = i + 1 == countof(schedules) || schedules[i + 1].of != of;
    return !is_quick() || is_first || is_last;
}

/* One schedule's kernels; the blocks of a cluster run together. */
static void add_schedule(FILE *f, size_t i) {
    const schedule *s = &schedules[i];
    const char *tag = arena_printf(&job, "%zu", i);
    strbuf text = {.a = &job};
    strbuf_printf(&text, "enum { BLOCKS = 1, %s };\n", s->constants);
    add_file(&text, "reduce");
    if (s->of == attention || s->of == attention_decode) add_file(&text, "attention_tile");
    add_file(&text, kind_names[s->of]);
    emulate_source_add(f, strbuf_text(&text), tag);
    for (int is_tile = 0; s->of == long_rows && is_tile < 2; is_tile++)
        fprintf(f,
                "extern \"C\" int run_%s_together_%s(long long blocks, unsigned threads, void **p)\n"
                "{\n    return emulate_launch(body_%s_softmax_%s, blocks, threads, p, k%s::CLUSTER);\n}\n",
                tag, is_tile ? "tile" : "cluster", tag, is_tile ? "tile" : "cluster", tag);
}

/* Compiles the schedules of one kind, of two when `also` is another. */
static void compile(kind of, kind also) {
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    emulate_source_begin(f);
    for (size_t i = 0; i < countof(schedules); i++)
        if (is_chosen(i, of) || is_chosen(i, also)) add_schedule(f, i);
    fclose(f);
    library = emulated_compile(&c, text);
    free(text);
    ck_assert_msg(library != NULL, "%s", c.message);
}

/* Arguments: pointers up to a NULL. */
static void launch(const schedule *s, const char *entry, long long blocks, unsigned threads, ...) {
    void *values[16], *params[16];
    unsigned n = 0;
    va_list list;
    va_start(list, threads);
    while ((values[n] = va_arg(list, void *))) params[n] = &values[n], n++;
    va_end(list);
    emulated_fn *run;
    *(void **)&run = dlsym(library, arena_printf(&job, "run_%zu_%s", (size_t)(s - schedules), entry));
    ck_assert_msg(run != NULL, "%s has no %s", s->name, entry);
    ck_assert_msg(run(blocks, threads, params) == 0, "%s %s: threads wait for ever", s->name, entry);
}

static void *room(size_t n_bytes, int fill) {
    void *x = (void *)(((uintptr_t)arena_alloc(&job, n_bytes + 32) + 15) & ~(uintptr_t)15);
    return memset(x, fill, n_bytes + 16);
}

static double of_bf16(uint16_t x) {
    const uint32_t bits = (uint32_t)x << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint16_t to_bf16(double x) {
    const float f = (float)x;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static double random_number(void) { /* from -1 to 1 */
    seed = seed * 1664525 + 1013904223;
    return (double)(seed >> 8) / (1 << 23) - 1;
}

/* n numbers of magnitude up to `size` about `middle`, and 8 behind them that no kernel may use: NaN. */
static uint16_t *randoms(size_t n, double size, double middle) {
    uint16_t *x = room(n * sizeof *x, 0xff);
    for (size_t i = 0; i < n; i++) x[i] = to_bf16(random_number() * size + middle);
    return x;
}

static uint16_t *results(size_t n) { return room(n * 2, 0xff); }

/* Half an ulp of bf16, and `slack` for what f32 loses before. */
static void near_to(const schedule *s, const char *what, size_t at, uint16_t got, double wanted, double slack) {
    const double bound = fabs(wanted) * 0x1.01p-8 + slack;
    ck_assert_msg(fabs(of_bf16(got) - wanted) <= bound, "%s, %s [%zu]: %g for %g", s->name, what, at, of_bf16(got),
                  wanted);
}

static void nothing_behind(const uint16_t *x, size_t n) {
    for (size_t i = n; i < n + 8; i++) ck_assert_uint_eq(x[i], 0xffff);
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static void check_maps(const schedule *s, int64_t n_rows, int64_t columns) {
    const size_t n = (size_t)(n_rows * columns);
    const unsigned threads = s->v[0], part = s->v[0] * s->v[1];
    uint16_t *x = randoms(n, 4, 0), *z = randoms(n, 4, 0), *bias = randoms((size_t)columns, 1, 0), *y = results(n);
    const long long chunks = (long long)n / 8, sizes[] = {chunks, columns / 8}, blocks = (chunks + part - 1) / part;
    launch(s, "copy", blocks, threads, x, y, sizes, NULL);
    ck_assert_mem_eq(x, y, n * 2 + 16);
    launch(s, "gelu_chain", blocks, threads, x, bias, z, y, sizes, NULL);
    for (size_t i = 0; i < n; i++) {
        const double u = of_bf16(x[i]) + of_bf16(bias[i % (size_t)columns]);
        near_to(s, "gelu_chain", i, y[i], 0.5 * u * (1 + erf(u / sqrt(2))) * sigmoid(of_bf16(z[i])), 2e-6);
    }
    launch(s, "silu_gate", blocks, threads, x, z, y, sizes, NULL);
    for (size_t i = 0; i < n; i++)
        near_to(s, "silu_gate", i, y[i], of_bf16(x[i]) * sigmoid(of_bf16(x[i])) * of_bf16(z[i]), 1e-6);
    nothing_behind(y, n);
}

static void check_rope(const schedule *s, int64_t positions, int64_t heads, int64_t half) {
    const size_t n = (size_t)(positions * heads * 2 * half);
    const unsigned threads = s->v[0], of_thread = s->v[1] > 1 ? s->v[1] / 2 : 1;
    uint16_t *x = randoms(n, 2, 0), *y = results(n);
    float *cosines = room((size_t)(positions * half) * 4, 0), *sines = room((size_t)(positions * half) * 4, 0);
    for (int64_t i = 0; i < positions * half; i++)
        cosines[i] = (float)random_number(), sines[i] = (float)random_number();
    const long long units = (heads + of_thread - 1) / of_thread * half / 8, parts = (units + threads - 1) / threads;
    const long long sizes[] = {heads, half / 8, parts};
    launch(s, "rope", positions * parts, threads, x, cosines, sines, y, sizes, NULL);
    for (size_t i = 0; i < n; i++) {
        const size_t d = i % (size_t)(2 * half), position = i / (size_t)(heads * 2 * half);
        const bool is_first = d < (size_t)half;
        const size_t at = position * (size_t)half + d % (size_t)half;
        const double other = of_bf16(x[is_first ? i + (size_t)half : i - (size_t)half]);
        near_to(s, "rope", i, y[i],
                of_bf16(x[i]) * (double)cosines[at] + (is_first ? -other : other) * (double)sines[at], 1e-6);
    }
    nothing_behind(y, n);
}

START_TEST(elements) {
    compile(maps, maps);
    for (size_t i = 0; i < countof(schedules); i++)
        if (is_chosen(i, maps)) {
            check_maps(&schedules[i], 3, 8 * 300);
            check_maps(&schedules[i], 70, 8 * 37);
            check_rope(&schedules[i], 3, 40, 64);
            check_rope(&schedules[i], 2, 5, 40);
        }
}
END_TEST

static void softmax_row(const uint16_t *x, size_t n, double *out) {
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) top = fmax(top, of_bf16(x[i]));
    for (size_t i = 0; i < n; i++) sum += out[i] = exp(of_bf16(x[i]) - top);
    for (size_t i = 0; i < n; i++) out[i] /= sum;
}

static void moments(const uint16_t *x, size_t n, double *out_mean, double *out_variance) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) sum += of_bf16(x[i]);
    *out_mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) squares += (of_bf16(x[i]) - *out_mean) * (of_bf16(x[i]) - *out_mean);
    *out_variance = squares / (double)n;
}

/* `groups` share the rows, each of `blocks` blocks. */
static void check_softmax(const schedule *s, const char *entry, size_t n_rows, size_t columns, long long groups,
                          long long blocks, unsigned threads) {
    const size_t n = n_rows * columns;
    uint16_t *x = randoms(n, 8, 0), *y = results(n);
    double *wanted = ARENA_ARRAY(&job, double, columns);
    const long long sizes[] = {(long long)n_rows, (long long)columns, groups};
    launch(s, entry, groups * blocks, threads, x, y, sizes, NULL);
    for (size_t row = 0; row < n_rows; row++) {
        softmax_row(x + row * columns, columns, wanted);
        for (size_t i = 0; i < columns; i++)
            near_to(s, entry, row * columns + i, y[row * columns + i], wanted[i], wanted[i] * 1e-5);
    }
    nothing_behind(y, n);
}

static void check_norms(const schedule *s, size_t n_rows, size_t columns, long long blocks, unsigned threads) {
    const size_t n = n_rows * columns;
    uint16_t *x = randoms(n, 2, 8), *w = randoms(columns, 1, 1), *b = randoms(columns, 1, 0), *y = results(n);
    uint16_t *r = randoms(n, 2, -8), *sum = results(n);
    const long long sizes[] = {(long long)n_rows, (long long)columns, blocks};
    const float epsilon = 1e-5f;
    double mean, variance;
    launch(s, "layer_norm", blocks, threads, x, w, b, y, &epsilon, sizes, NULL);
    for (size_t i = 0; i < n; i++) {
        if (i % columns == 0) moments(x + i, columns, &mean, &variance);
        const double scale = 1 / sqrt(variance + (double)epsilon);
        near_to(s, "layer_norm", i, y[i],
                (of_bf16(x[i]) - mean) * scale * of_bf16(w[i % columns]) + of_bf16(b[i % columns]), 1e-5);
    }
    nothing_behind(y, n);
    launch(s, "residual_rms_norm", blocks, threads, x, r, w, sum, y, &epsilon, sizes, NULL);
    for (size_t i = 0; i < n; i++) {
        if (i % columns == 0) moments(sum + i, columns, &mean, &variance);
        ck_assert_uint_eq(sum[i], to_bf16(of_bf16(x[i]) + of_bf16(r[i])));
        near_to(s, "residual_rms_norm", i, y[i],
                of_bf16(sum[i]) / sqrt(variance + mean * mean + (double)epsilon) * of_bf16(w[i % columns]), 1e-5);
    }
    nothing_behind(y, n);
    nothing_behind(sum, n);
}

START_TEST(rows_of_a_block) {
    compile(rows, rows);
    for (size_t i = 0; i < countof(schedules); i++) {
        const schedule *s = &schedules[i];
        if (!is_chosen(i, rows)) continue;
        const size_t most = s->v[0] * s->v[2] * 8;
        for (size_t columns = most; columns > 8; columns = columns == most ? most / 2 + 8 : columns / 64 * 8) {
            check_softmax(s, "softmax", 7, columns, 2, 1, s->v[0] * s->v[1]); /* several rows of each block */
            check_norms(s, 7, columns, 2, s->v[0] * s->v[1]);
        }
        check_softmax(s, "softmax", 3, 8, 3, 1, s->v[0] * s->v[1]);
    }
}
END_TEST

static void check_backward(const schedule *s, size_t n_rows, size_t columns, size_t blocks, bool is_rms) {
    const size_t n = n_rows * columns;
    const unsigned threads = s->v[0];
    uint16_t *dy = randoms(n, 1, 0), *x = randoms(n, 2, 1), *w = randoms(columns, 1, 1), *dx = results(n);
    float *means = room(n_rows * 4, 0), *scales = room(n_rows * 4, 0), *partials = room(2 * blocks * columns * 4, 0xff);
    uint16_t *sums = results(2 * columns);
    double *of_weight = ARENA_ARRAY(&job, double, columns), *of_bias = ARENA_ARRAY(&job, double, columns);
    const long long sizes[] = {(long long)n_rows, (long long)columns, (long long)blocks};
    const long long sum_sizes[] = {(long long)columns, (long long)blocks};
    for (size_t row = 0; row < n_rows; row++) {
        double mean, variance;
        moments(x + row * columns, columns, &mean, &variance);
        means[row] = is_rms ? 0 : (float)mean;
        scales[row] = (float)(1 / sqrt(variance + (is_rms ? mean * mean : 0) + 1e-5));
    }
    if (is_rms)
        launch(s, "rms_norm_backward", (long long)blocks, threads, dy, x, w, scales, dx, partials, sizes, NULL);
    else
        launch(s, "layer_norm_backward", (long long)blocks, threads, dy, x, w, means, scales, dx, partials, sizes,
               NULL);
    launch(s, "sum_partials", (long long)columns / 32 * (is_rms ? 1 : 2), 256, partials, sums, sum_sizes, NULL);
    for (size_t row = 0; row < n_rows; row++) {
        double of_g = 0, of_gn = 0;
        for (size_t i = 0; i < columns; i++) {
            const double d = of_bf16(dy[row * columns + i]), g = d * of_bf16(w[i]);
            const double norm = (of_bf16(x[row * columns + i]) - (double)means[row]) * (double)scales[row];
            of_g += is_rms ? 0 : g / (double)columns, of_gn += g * norm / (double)columns;
            of_weight[i] += d * norm, of_bias[i] += d;
        }
        for (size_t i = 0; i < columns; i++) {
            const double g = of_bf16(dy[row * columns + i]) * of_bf16(w[i]);
            const double norm = (of_bf16(x[row * columns + i]) - (double)means[row]) * (double)scales[row];
            near_to(s, "dx", row * columns + i, dx[row * columns + i], (double)scales[row] * (g - of_g - norm * of_gn),
                    1e-5);
        }
    }
    for (size_t i = 0; i < columns; i++) {
        near_to(s, "dweight", i, sums[i], of_weight[i], 1e-4);
        if (!is_rms) near_to(s, "dbias", i, sums[columns + i], of_bias[i], 1e-4);
    }
    nothing_behind(dx, n);
}

START_TEST(norms_backward) {
    compile(norm_backward, norm_backward);
    for (size_t i = 0; i < countof(schedules); i++)
        if (is_chosen(i, norm_backward))
            for (int is_rms = 0; is_rms < 2; is_rms++) {
                const size_t most = schedules[i].v[0] * schedules[i].v[1] * 8;
                check_backward(&schedules[i], 17, most, 2, is_rms);
                check_backward(&schedules[i], 5, most / 2 + 32, 9, is_rms); /* more blocks than rows */
            }
}
END_TEST

static void check_cross_entropy(const schedule *s, size_t n_rows, size_t columns) {
    uint16_t *x = randoms(n_rows * columns, 8, 0);
    long long *targets = room(n_rows * 8, 0);
    float *losses = room(n_rows * 4, 0xff);
    double *wanted = ARENA_ARRAY(&job, double, columns);
    const long long sizes[] = {(long long)n_rows, (long long)columns};
    for (size_t row = 0; row < n_rows; row++) targets[row] = (long long)(columns - 1 - row * 3 % columns);
    launch(s, "cross_entropy", (long long)n_rows, s->v[0], x, targets, losses, sizes, NULL);
    for (size_t row = 0; row < n_rows; row++) {
        softmax_row(x + row * columns, columns, wanted);
        ck_assert_double_eq_tol((double)losses[row], -log(wanted[targets[row]]), 1e-4);
    }
}

START_TEST(rows_beyond_a_block) {
    compile(long_rows, long_rows);
    for (size_t i = 0; i < countof(schedules); i++) {
        const schedule *s = &schedules[i];
        if (!is_chosen(i, long_rows)) continue;
        const size_t part = s->v[0] * s->v[1] * 8;
        if (s->v[3]) {
            check_softmax(s, "together_tile", 5, part * s->v[2] - 24, 2, s->v[2], s->v[0]);
            check_softmax(s, "together_tile", 1, 16, 2, s->v[2], s->v[0]);
            continue;
        }
        check_softmax(s, "together_cluster", 3, part * s->v[2] - 24, 3, s->v[2], s->v[0]);
        check_softmax(s, "together_cluster", 1, 16, 1, s->v[2], s->v[0]);
        check_softmax(s, "softmax_twice", 2, part * 2 + 40, 2, 1, s->v[0]);
        check_cross_entropy(s, 2, part * 2 + 40);
        check_cross_entropy(s, 3, 24);
    }
}
END_TEST

/* Random weights of row n and k, which become w: their place in the stream is that of skinny.cu's comment. */
static void pack_weight(const schedule *s, size_t n, size_t k, size_t K, uint8_t *packed, double *w) {
    const size_t tiles = s->v[2], step_k = s->v[0] == 16 ? 64 : 128, chunks = s->v[0] == 16 ? 4 : 2;
    const size_t n_groups = s->v[0] == 16 ? 0 : 128 / s->v[1], bytes = tiles * (chunks * 512 + n_groups * 32);
    uint8_t *step = packed + (n / (16 * tiles) * (K / step_k) + k / step_k) * bytes;
    const size_t tile = n / 16 % tiles, g = n % 8, upper = n % 16 / 8, t = k % 32 / 8, h = k % 8 / 4, r = k % 4 / 2;
    const size_t e = k % 2, lane = 4 * g + t;
    seed = seed * 1664525 + 1013904223;
    if (s->v[0] == 16) {
        uint16_t *chunk = (uint16_t *)(step + (tile * chunks + k % 64 / 32 * 2 + h) * 512) + lane * 8;
        chunk[(upper + 2 * r) * 2 + e] = to_bf16(random_number());
        *w = of_bf16(chunk[(upper + 2 * r) * 2 + e]);
        return;
    }
    uint32_t *word = (uint32_t *)(step + (tile * chunks + k % 128 / 64) * 512) + lane * 4 + k % 64 / 32 * 2 + h;
    uint16_t *scale = (uint16_t *)(step + tiles * chunks * 512) + ((tile * 8 + g) * n_groups + k % 128 / s->v[1]) * 2;
    if (k % s->v[1] == 0) scale[upper] = (uint16_t)(0x2c00 + (seed >> 12) % 0x400); /* 2^-4 to 2^-3 */
    *word |= (seed >> 28) << (4 * (upper + 2 * r) + 16 * e);
    *w = ((double)(seed >> 28) - 8) * ldexp(1 + (double)(scale[upper] & 0x3ff) / 0x400, -4);
}

static void check_skinny(const schedule *s, size_t M, size_t blocks, size_t steps) {
    const size_t N = 16 * s->v[2] * s->v[3] * blocks, K = (s->v[0] == 16 ? 64 : 128) * steps;
    uint16_t *x = randoms(M * K, 1, 0), *y = results(M * N);
    uint8_t *packed = room(N * K * 2, 0);
    double *w = ARENA_ARRAY(&job, double, N *K);
    for (size_t i = 0; i < N * K; i++) pack_weight(s, i / K, i % K, K, packed, &w[i]);
    const long long sizes[] = {(long long)M, (long long)N, (long long)K};
    launch(s, "skinny_product", (long long)blocks, s->v[3] * s->v[4] * 32, x, packed, y, sizes, NULL);
    for (size_t m = 0; m < M; m++)
        for (size_t n = 0; n < N; n++) {
            double sum = 0, size = 0;
            for (size_t k = 0; k < K; k++) {
                const double product = of_bf16(x[m * K + k]) * w[n * K + k];
                sum += product, size += fabs(product);
            }
            near_to(s, "product", m * N + n, y[m * N + n], sum, size * 1e-6);
        }
    nothing_behind(y, M * N);
}

START_TEST(products_of_few_rows) {
    compile(skinny, skinny);
    for (size_t i = 0; i < countof(schedules); i++) {
        const schedule *s = &schedules[i];
        if (!is_chosen(i, skinny)) continue;
        check_skinny(s, 1, 1, 1);
        check_skinny(s, s->v[6], 2, s->v[4] * s->v[5]);
        check_skinny(s, s->v[6] - 3, 1, s->v[4] * (s->v[5] + 2) - 3); /* the last warps have fewer steps */
    }
}
END_TEST

/* o[head][query][d], with a causal offset of T - S. */
static void attend(const uint16_t *q, const uint16_t *k, const uint16_t *v, size_t S, size_t T, size_t D, double factor,
                   bool is_causal, double *o) {
    double *weights = ARENA_ARRAY(&job, double, T);
    for (size_t i = 0; i < S; i++) {
        const size_t n = is_causal ? i + T - S + 1 : T;
        double top = -INFINITY, sum = 0;
        for (size_t j = 0; j < n; j++) {
            weights[j] = 0;
            for (size_t d = 0; d < D; d++) weights[j] += of_bf16(q[i * D + d]) * of_bf16(k[j * D + d]) * factor;
            top = fmax(top, weights[j]);
        }
        for (size_t j = 0; j < n; j++) sum += weights[j] = exp(weights[j] - top);
        for (size_t d = 0; d < D; d++) o[i * D + d] = 0;
        for (size_t j = 0; j < n; j++)
            for (size_t d = 0; d < D; d++) o[i * D + d] += weights[j] / sum * of_bf16(v[j * D + d]);
    }
}

static void check_attention(const schedule *s, size_t S, size_t T, bool is_causal) {
    const size_t heads = 2, group = 2, D = s->v[0], tile = s->v[1] * s->v[2] * 16;
    uint16_t *q = randoms(heads * S * D, 2, 0), *k = randoms(heads / group * T * D, 2, 0);
    uint16_t *v = randoms(heads / group * T * D, 1, 0.5), *o = results(heads * S * D);
    double *wanted = ARENA_ARRAY(&job, double, S *D);
    float *totals = room(heads * (S + tile) * D * 4, 0xff);
    const float factor = 0.125f;
    const long long sizes[] = {(long long)heads, (long long)group, (long long)S, (long long)T};
    launch(s, is_causal ? "attention_causal" : "attention_full", (long long)(heads * ((S + tile - 1) / tile)),
           s->v[2] * 32, q, k, v, o, totals, &factor, sizes, NULL);
    for (size_t head = 0; head < heads; head++) {
        attend(q + head * S * D, k + head / group * T * D, v + head / group * T * D, S, T, D, (double)factor, is_causal,
               wanted);
        for (size_t i = 0; i < S * D; i++) /* weights are rounded to bf16 */
            near_to(s, is_causal ? "causal" : "full", i, o[head * S * D + i], wanted[i], 4e-3);
    }
    nothing_behind(o, heads * S * D);
}

START_TEST(attention_forward) {
    compile(attention, attention);
    for (size_t i = 0; i < countof(schedules); i++) {
        const schedule *s = &schedules[i];
        if (!is_chosen(i, attention)) continue;
        check_attention(s, 150, 150, true);
        check_attention(s, 9, 330, true);
        check_attention(s, 40, s->v[4] ? 64 * (s->v[4] + 1) + 5 : 200, false);
    }
}
END_TEST

/* Keys from both ends weigh alike and their values cancel, so that a result shows in which order f32 numbers were added. */
static void cancel(uint16_t *k, uint16_t *v, size_t pairs, size_t T, size_t D) {
    for (size_t pair = 0; pair < pairs; pair++)
        for (size_t j = 0; j < T / 2; j++)
            for (size_t d = 0; d < D; d++) {
                const size_t at = (pair * T + j) * D + d, other = (pair * T + T - 1 - j) * D + d;
                k[other] = k[at];
                v[other] = to_bf16(random_number() * 0.01 - of_bf16(v[at]));
            }
}

static void check_decode(const schedule *s, size_t pairs, size_t group, size_t T) {
    const size_t D = s->v[0], partial = s->v[2] * s->v[3], partials = (T + partial - 1) / partial;
    uint16_t *q = randoms(pairs * group * D, 2, 0), *k = randoms(pairs * T * D, 2, 0);
    uint16_t *v = randoms(pairs * T * D, 1, 0.5), *o = results(pairs * group * D), *same = results(pairs * group * D);
    float *sums = room(pairs * partials * group * D * 4, 0xff), *tops = room(pairs * partials * group * 8, 0xff);
    double *wanted = ARENA_ARRAY(&job, double, D);
    cancel(k, v, pairs, T, D);
    const float factor = 0.125f;
    const long long sizes[] = {(long long)pairs, (long long)group, (long long)T};
    const long long combine_sizes[] = {(long long)partials, (long long)group};
    launch(s, "attention_decode", (long long)((pairs * partials + s->v[1] - 1) / s->v[1]), s->v[1] * 32, q, k, v, sums,
           tops, &factor, sizes, NULL);
    launch(s, "attention_combine", (long long)(pairs * group), (unsigned)D, sums, tops, o, combine_sizes, NULL);
    for (size_t i = 0; i < pairs * group; i++) {
        attend(q + i * D, k + i / group * T * D, v + i / group * T * D, 1, T, D, (double)factor, false, wanted);
        for (size_t d = 0; d < D; d++) near_to(s, "decode", i * D + d, o[i * D + d], wanted[d], 4e-3);
    }
    nothing_behind(o, pairs * group * D);
    if (partials == 1) return;
    const long long as_forward[] = {(long long)(pairs * group), (long long)group, 1, (long long)T};
    for (size_t i = 0; i < countof(schedules); i++) {
        const schedule *f = &schedules[i];
        if (!is_chosen(i, attention) || f->v[0] != D || f->v[3] != s->v[2] || f->v[4] != s->v[3]) continue;
        float *totals = room(pairs * group * f->v[1] * f->v[2] * 16 * D * 4, 0xff);
        launch(f, "attention_causal", (long long)(pairs * group), f->v[2] * 32, q, k, v, same, totals, &factor,
               as_forward, NULL);
        ck_assert_msg(!memcmp(o, same, pairs * group * D * 2), "%s and %s differ", s->name, f->name);
    }
}

/* By partials of fixed keys, decoding and the forward kernel give the same bits. */
START_TEST(attention_of_one_query) {
    compile(attention, attention_decode);
    for (size_t i = 0; i < countof(schedules); i++) {
        const schedule *s = &schedules[i];
        if (!is_chosen(i, attention_decode)) continue;
        check_decode(s, 2, 1, s->v[2] * (s->v[3] + 1) + 5);
        check_decode(s, 1, 11, 37);
    }
}
END_TEST

/* A case of its own for each test: CK_RUN_CASE=NAME runs one. */
static void add(Suite *s, const char *name, const TTest *test) {
    TCase *t = tcase_create(name);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 240);
    tcase_add_test(t, test);
    suite_add_tcase(s, t);
}

int main(void) {
    Suite *s = suite_create("cuda_lab");
    add(s, "elements", elements);
    add(s, "rows", rows_of_a_block);
    add(s, "backward", norms_backward);
    add(s, "long_rows", rows_beyond_a_block);
    add(s, "skinny", products_of_few_rows);
    add(s, "attention", attention_forward);
    add(s, "decode", attention_of_one_query);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
