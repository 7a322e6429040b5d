/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Measures the roofs: the best of a few repetitions, on the runtime's own pool. */
#include "driver/roofline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/clock.h"
#include "base/target.h"
#include "runtime/runtime.h"

enum {
    MEMORY_BYTES = 64 << 20,
    CACHE_BYTES = 128 << 10,
    CACHE_ROUNDS = 200,
    N_TRIES = 4,
    N_SUMS = 12, /* independent chains of multiply-adds: latency 4, two units, and some */
    FMA_ROUNDS = 400000
};

/* What one thread works on. */
typedef struct roof_part {
    uint8_t *from, *to;
    uint64_t sink; /* keeps results alive */
    double flops;
    bool has_amx; /* of the matrix unit */
} roof_part;

/* Four sums at a time: the compiler makes vectors of them, and memory is slower than any. */
static uint64_t sum_words(const uint8_t *from, size_t n_bytes) {
    const uint64_t *p = (const uint64_t *)(const void *)from;
    uint64_t sums[16] = {0}, total = 0;
    for (size_t i = 0; i < n_bytes / sizeof *p; i += 16)
        for (size_t k = 0; k < 16; k++) sums[k] ^= p[i + k];
    for (size_t k = 0; k < 16; k++) total ^= sums[k];
    return total;
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static uint64_t sum_words_512(const uint8_t *from, size_t n_bytes) {
    __m512i sums[4] = {0};
    for (size_t i = 0; i < n_bytes; i += 256)
        for (size_t k = 0; k < 4; k++) sums[k] = _mm512_xor_si512(sums[k], _mm512_loadu_si512(from + i + 64 * k));
    return (uint64_t)_mm512_reduce_add_epi64(
        _mm512_xor_si512(_mm512_xor_si512(sums[0], sums[1]), _mm512_xor_si512(sums[2], sums[3])));
}

__attribute__((target("avx512f"))) static double multiply_add_512(uint64_t *sink) {
    __m512 sums[N_SUMS], x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
    for (int k = 0; k < N_SUMS; k++) sums[k] = _mm512_set1_ps((float)k);
    for (int i = 0; i < FMA_ROUNDS; i++)
        for (int k = 0; k < N_SUMS; k++) sums[k] = _mm512_fmadd_ps(sums[k], x, y);
    for (int k = 1; k < N_SUMS; k++) sums[0] = _mm512_add_ps(sums[0], sums[k]);
    *sink += (uint64_t)_mm512_reduce_add_ps(sums[0]);
    return 2.0 * (16 * N_SUMS * FMA_ROUNDS);
}

__attribute__((target("avx2,fma"))) static double multiply_add_256(uint64_t *sink) {
    __m256 sums[N_SUMS], x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);
    for (int k = 0; k < N_SUMS; k++) sums[k] = _mm256_set1_ps((float)k);
    for (int i = 0; i < FMA_ROUNDS; i++)
        for (int k = 0; k < N_SUMS; k++) sums[k] = _mm256_fmadd_ps(sums[k], x, y);
    for (int k = 1; k < N_SUMS; k++) sums[0] = _mm256_add_ps(sums[0], sums[k]);
    *sink += (uint64_t)_mm256_cvtss_f32(sums[0]);
    return 2.0 * (8 * N_SUMS * FMA_ROUNDS);
}

__attribute__((target("avx512f,avx512bf16"))) static double pair_dots(uint64_t *sink) {
    __m512 sums[N_SUMS];
    __m512bh x = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5f), _mm512_set1_ps(0.25f));
    for (int k = 0; k < N_SUMS; k++) sums[k] = _mm512_set1_ps((float)k);
    for (int i = 0; i < FMA_ROUNDS; i++)
        for (int k = 0; k < N_SUMS; k++) sums[k] = _mm512_dpbf16_ps(sums[k], x, x);
    for (int k = 1; k < N_SUMS; k++) sums[0] = _mm512_add_ps(sums[0], sums[k]);
    *sink += (uint64_t)_mm512_reduce_add_ps(sums[0]);
    return 4.0 * (16 * N_SUMS * FMA_ROUNDS);
}

__attribute__((target("avx512f,avx512vnni"))) static double byte_dots(uint64_t *sink) {
    __m512i sums[N_SUMS], x = _mm512_set1_epi8(3);
    for (int k = 0; k < N_SUMS; k++) sums[k] = _mm512_set1_epi32(k);
    for (int i = 0; i < FMA_ROUNDS; i++)
        for (int k = 0; k < N_SUMS; k++) sums[k] = _mm512_dpbusd_epi32(sums[k], x, x);
    for (int k = 1; k < N_SUMS; k++) sums[0] = _mm512_xor_si512(sums[0], sums[k]);
    *sink += (uint64_t)_mm512_reduce_or_epi32(sums[0]);
    return 8.0 * (16 * N_SUMS * FMA_ROUNDS);
}

/* Two tiles by two, as the matrix leaf has them; what they hold does not matter. */
__attribute__((target("amx-tile,amx-bf16,amx-int8"))) static double tile_products(bool of_bytes) {
    /* Long: the unit takes milliseconds to come to its full clock. */
    enum { AT_COLUMN_BYTES = 16, AT_ROWS = 48, N_TILES = 8, N_PRODUCTS = 4, TILE_ROUNDS = FMA_ROUNDS };
    uint8_t config[64] = {1};
    for (int i = 0; i < N_TILES; i++) config[AT_COLUMN_BYTES + 2 * i] = 64, config[AT_ROWS + i] = 16;
    __asm__ volatile("ldtilecfg %0" : : "m"(config)); /* zeros all tiles */
    for (int i = 0; i < TILE_ROUNDS && of_bytes; i++) {
        _tile_dpbusd(0, 4, 6);
        _tile_dpbusd(1, 4, 7);
        _tile_dpbusd(2, 5, 6);
        _tile_dpbusd(3, 5, 7);
    }
    for (int i = 0; i < TILE_ROUNDS && !of_bytes; i++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_release();
    return 2.0 * 16 * 16 * (of_bytes ? 64 : 32) * N_PRODUCTS * TILE_ROUNDS;
}
#endif

/* Machines without vectors that we know: plain multiplications and additions. */
static double multiply_add(uint64_t *sink) {
    float sums[4 * N_SUMS];
    for (int k = 0; k < 4 * N_SUMS; k++) sums[k] = (float)k;
    for (int i = 0; i < FMA_ROUNDS; i++)
        for (int k = 0; k < 4 * N_SUMS; k++) sums[k] = sums[k] * 0.999f + 0.001f;
    for (int k = 1; k < 4 * N_SUMS; k++) sums[0] += sums[k];
    *sink += (uint64_t)sums[0];
    return 2.0 * (4 * N_SUMS * FMA_ROUNDS);
}

static uint64_t read_all(const uint8_t *from, size_t n_bytes) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return sum_words_512(from, n_bytes);
#endif
    return sum_words(from, n_bytes);
}

static void part_read(void *data, uint32_t i) {
    roof_part *p = (roof_part *)data + i;
    p->sink += read_all(p->from, MEMORY_BYTES);
}

static void part_copy(void *data, uint32_t i) {
    roof_part *p = (roof_part *)data + i;
    memcpy(p->to, p->from, MEMORY_BYTES);
}

static void part_cache(void *data, uint32_t i) {
    roof_part *p = (roof_part *)data + i;
    for (int k = 0; k < CACHE_ROUNDS; k++) p->sink += read_all(p->from, CACHE_BYTES);
}

static void part_flops(void *data, uint32_t i) {
    roof_part *p = (roof_part *)data + i;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        p->flops = multiply_add_512(&p->sink);
        return;
    }
    if (__builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2")) {
        p->flops = multiply_add_256(&p->sink);
        return;
    }
#endif
    p->flops = multiply_add(&p->sink);
}

/* Products of bf16 and of bytes; none where the machine has no instruction for them. */
static void part_bf16(void *data, uint32_t i) {
    roof_part *p = (roof_part *)data + i;
    p->flops = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bf16")) p->flops = pair_dots(&p->sink);
    if (p->has_amx) p->flops = tile_products(false);
#endif
}

static void part_bytes(void *data, uint32_t i) {
    roof_part *p = (roof_part *)data + i;
    p->flops = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vnni")) p->flops = byte_dots(&p->sink);
    if (p->has_amx) p->flops = tile_products(true);
#endif
}

/* Seconds of the quickest of a few times. */
static double best_of(const frit_pool *pool, void (*fn)(void *, uint32_t), roof_part *parts) {
    double best = INFINITY;
    for (int i = 0; i < N_TRIES; i++) {
        double began = seconds_now();
        pool->parallel(pool->state, pool->n_threads, fn, parts);
        best = fmin(best, seconds_now() - began);
    }
    return best;
}

/* 1e9 operations a second of all threads. */
static double rate_of(const frit_pool *pool, void (*fn)(void *, uint32_t), roof_part *parts) {
    double best = best_of(pool, fn, parts);
    return parts[0].flops * pool->n_threads / best * 1e-9;
}

static bool measure_on(const frit_pool *pool, roofline *out) {
    uint32_t n = pool->n_threads;
    size_t bytes = (size_t)MEMORY_BYTES * n;
    uint8_t *memory = memory_new(2 * bytes);
    roof_part *parts = memory_new(n * sizeof *parts);
    if (memory && parts) {
        memset(memory, 1, 2 * bytes);
        for (uint32_t i = 0; i < n; i++) parts[i] = (roof_part){.from = memory + (size_t)i * MEMORY_BYTES};
        bool has_amx = !target_missing("sapphirerapids", true) && target_ask_for_amx();
        for (uint32_t i = 0; i < n; i++) parts[i].to = parts[i].from + bytes, parts[i].has_amx = has_amx;
        double total = (double)bytes, cache = (double)((size_t)CACHE_BYTES * CACHE_ROUNDS * n);
        out->n_threads = n;
        out->read_gb_s = total / best_of(pool, part_read, parts) * 1e-9;
        out->copy_gb_s = 2 * total / best_of(pool, part_copy, parts) * 1e-9;
        out->cache_gb_s = cache / best_of(pool, part_cache, parts) * 1e-9;
        out->gflop_s = rate_of(pool, part_flops, parts);
        out->int8_gop_s = rate_of(pool, part_bytes, parts);
        out->bf16_gflop_s = rate_of(pool, part_bf16, parts);
    }
    bool done = memory && parts;
    memory_free(memory);
    memory_free(parts);
    return done;
}

bool roofline_measure(uint32_t n_threads, roofline *out) {
    frit_pool *pool = pool_create(n_threads);
    bool done = pool && measure_on(pool, out);
    pool_destroy(pool);
    return done;
}

double roofline_ms(const roofline *r, uint32_t product_group, double flops, double bytes) {
    double narrow = product_group == 2 ? r->bf16_gflop_s : product_group > 2 ? r->int8_gop_s : 0;
    double arithmetic = flops / fmax(narrow, r->gflop_s); /* narrow numbers may be widened */
    double rate = bytes <= (double)CACHE_BYTES * 4 * r->n_threads ? r->cache_gb_s : fmax(r->read_gb_s, r->copy_gb_s);
    return fmax(arithmetic, bytes / rate) * 1e-6;
}
