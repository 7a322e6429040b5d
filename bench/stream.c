/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the machine gives: a stream of reads and non-temporal writes, reads alone, fused multiply-adds from registers,
 * and how long a cycle is. */
#include "bench/peers.h"
#include "bench/subject.h"

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The second source is the first again where there is one only: it costs a load from the cache. */
__attribute__((target("avx512f"))) static void stream_512(char *dst, const char *a, const char *b, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 64)
        _mm512_stream_si512((void *)(dst + i), _mm512_or_si512(_mm512_load_si512((const void *)(a + i)),
                                                               _mm512_load_si512((const void *)(b + i))));
}

__attribute__((target("avx2"))) static void stream_256(char *dst, const char *a, const char *b, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 32)
        _mm256_stream_si256((void *)(dst + i), _mm256_or_si256(_mm256_load_si256((const void *)(a + i)),
                                                               _mm256_load_si256((const void *)(b + i))));
}

static void stream_128(char *dst, const char *a, const char *b, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 16)
        _mm_stream_si128((void *)(dst + i),
                         _mm_or_si128(_mm_load_si128((const void *)(a + i)), _mm_load_si128((const void *)(b + i))));
}

void stream_through(void *restrict dst, int n, const void *const *src, size_t bytes) {
    const void *a = src[0], *b = src[n > 1 ? 1 : 0];
    if (__builtin_cpu_supports("avx512f"))
        stream_512(dst, a, b, bytes);
    else if (__builtin_cpu_supports("avx2"))
        stream_256(dst, a, b, bytes);
    else
        stream_128(dst, a, b, bytes);
    _mm_sfence();
}

/* n streams of equal length side by side; memory gives more to several than to one. */
__attribute__((target("avx512f"))) static inline __attribute__((always_inline)) float read_512(const char *src,
                                                                                               size_t bytes, size_t n) {
    const size_t part = bytes / n;
    __m512 sum[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
    for (size_t i = 0; i < part; i += 256)
        for (size_t s = 0; s < n; s++) {
            const char *at = src + s * part + i;
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                _mm_prefetch(at + 2048 + (size_t)(64 * j), _MM_HINT_T0);
                sum[j] = _mm512_add_ps(sum[j], _mm512_load_ps((const void *)(at + (size_t)(64 * j))));
            }
        }
    return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sum[0], sum[1]), _mm512_add_ps(sum[2], sum[3])));
}

__attribute__((target("avx512f"))) static float read_512_by(const char *src, size_t bytes, size_t n) {
    return n == 1 ? read_512(src, bytes, 1) : n == 2 ? read_512(src, bytes, 2) : read_512(src, bytes, 4);
}

__attribute__((target("avx2"))) static float read_256(const char *src, size_t bytes) {
    __m256 sum[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    for (size_t i = 0; i < bytes; i += 128)
        for (int j = 0; j < 4; j++) sum[j] = _mm256_add_ps(sum[j], _mm256_load_ps((const void *)(src + i + 32 * j)));
    sum[0] = _mm256_add_ps(_mm256_add_ps(sum[0], sum[1]), _mm256_add_ps(sum[2], sum[3]));
    return _mm256_cvtss_f32(sum[0]);
}

static float read_128(const char *src, size_t bytes) {
    __m128 sum[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
    for (size_t i = 0; i < bytes; i += 64)
        for (int j = 0; j < 4; j++) sum[j] = _mm_add_ps(sum[j], _mm_load_ps((const void *)(src + i + 16 * j)));
    return _mm_cvtss_f32(_mm_add_ps(_mm_add_ps(sum[0], sum[1]), _mm_add_ps(sum[2], sum[3])));
}

float stream_read(const void *src, size_t bytes, size_t n_streams) {
    if (__builtin_cpu_supports("avx512f")) return read_512_by(src, bytes, n_streams);
    return __builtin_cpu_supports("avx2") ? read_256(src, bytes) : read_128(src, bytes);
}

enum { CHAINS = 12 };
/* CHAINS independent steps of one instruction; an array would be kept in memory. */
#define STEPS(instruction, constraint, v, x)                                                                           \
    __asm__ volatile(                                                                                                  \
        instruction " %12, %12, %0\n" instruction " %12, %12, %1\n" instruction " %12, %12, %2\n" instruction          \
                    " %12, %12, %3\n" instruction " %12, %12, %4\n" instruction " %12, %12, %5\n" instruction          \
                    " %12, %12, %6\n" instruction " %12, %12, %7\n" instruction " %12, %12, %8\n" instruction          \
                    " %12, %12, %9\n" instruction " %12, %12, %10\n" instruction " %12, %12, %11\n"                    \
        : "+" constraint((v)[0]), "+" constraint((v)[1]), "+" constraint((v)[2]), "+" constraint((v)[3]),              \
          "+" constraint((v)[4]), "+" constraint((v)[5]), "+" constraint((v)[6]), "+" constraint((v)[7]),              \
          "+" constraint((v)[8]), "+" constraint((v)[9]), "+" constraint((v)[10]), "+" constraint((v)[11])             \
        : constraint(x))

__attribute__((target("avx512f"))) static double fma_512(int64_t n) {
    __m512 v[CHAINS] = {0}, x = _mm512_set1_ps(0.5F);
    for (int64_t i = 0; i < n; i++) STEPS("vfmadd231ps", "v", v, x);
    return 2.0 * 16 * CHAINS * (double)n;
}

__attribute__((target("avx512f"))) static double dot_512(int64_t n) {
    __m512 v[CHAINS] = {0}, x = _mm512_set1_ps(0.5F);
    for (int64_t i = 0; i < n; i++) STEPS("vdpbf16ps", "v", v, x);
    return 4.0 * 16 * CHAINS * (double)n;
}

__attribute__((target("avx2,fma"))) static double fma_256(int64_t n) {
    __m256 v[CHAINS] = {0}, x = _mm256_set1_ps(0.5F);
    for (int64_t i = 0; i < n; i++) STEPS("vfmadd231ps", "x", v, x);
    return 2.0 * 8 * CHAINS * (double)n;
}

#if defined(__GNUC__) && !defined(__clang__)
#define HAS_TILES 1
/* Whether the CPU has them and this process was given their registers. */
static int tiles_are_allowed(void) {
    enum { GET_PERMITTED = 0x1022, TILE_DATA = 18, AMX_BF16_BIT = 22 };
    unsigned eax, ebx, ecx, edx;
    unsigned long permitted = 0;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(edx >> AMX_BF16_BIT & 1)) return 0;
    return syscall(SYS_arch_prctl, GET_PERMITTED, &permitted) == 0 && permitted >> TILE_DATA & 1;
}

/* Tiles of 16 rows of 64 bytes; whoever runs code for them in this process has asked the system already. */
__attribute__((target("amx-tile,amx-bf16"))) static double dot_tiles(int64_t n) {
    enum { COLUMN_BYTES = 16, ROWS = 48, TILES = 8, PRODUCTS = 4 };
    unsigned char config[64] = {1};
    for (int i = 0; i < TILES; i++) config[COLUMN_BYTES + 2 * i] = 64, config[ROWS + i] = 16;
    __asm__ volatile("ldtilecfg %0" : : "m"(config));
    _tile_zero(4);
    _tile_zero(5);
    _tile_zero(6);
    _tile_zero(7);
    for (int64_t i = 0; i < n; i++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_release();
    return 2.0 * 16 * 16 * 32 * PRODUCTS * (double)n;
}
#endif

double peak_flops(int64_t n, int is_bf16, uint32_t vector_bytes) {
#if HAS_TILES
    if (is_bf16 && tiles_are_allowed()) return dot_tiles(n);
#endif
    if (is_bf16) return __builtin_cpu_supports("avx512bf16") ? dot_512(n) : 0;
    if (vector_bytes == 64) return fma_512(n);
    return vector_bytes == 32 ? fma_256(n) : 0;
}

/* Eight multiplications, each of which waits three cycles for the one before: additions of constants would not do, for
 * which some CPUs take no time at all. Beside them two vector instructions, as the clock may be lower then. */
#define CHAIN                                                                                                          \
    "imul %0, %0\n imul %0, %0\n imul %0, %0\n imul %0, %0\n imul %0, %0\n imul %0, %0\n imul %0, %0\n imul %0, %0\n"
#define CHAIN_BESIDE(instruction, constraint, x, v)                                                                    \
    __asm__ volatile(CHAIN instruction " %1, %1, %1\n" instruction " %2, %2, %2"                                       \
                     : "+r"(x), "+" constraint((v)[0]), "+" constraint((v)[1]))
enum { CHAIN_CYCLES = 3 * 8 };

__attribute__((target("avx512f"))) static void chain_512(int64_t n, uint64_t x) {
    __m512 v[2] = {0};
    for (int64_t i = 0; i < n; i++) CHAIN_BESIDE("vfmadd231ps", "v", x, v);
}

__attribute__((target("avx2,fma"))) static void chain_256(int64_t n, uint64_t x) {
    __m256 v[2] = {0};
    for (int64_t i = 0; i < n; i++) CHAIN_BESIDE("vfmadd231ps", "x", x, v);
}

static void chain_alone(int64_t n, uint64_t x) {
    for (int64_t i = 0; i < n; i++) __asm__ volatile(CHAIN : "+r"(x));
}

double cycle_seconds(uint32_t vector_bytes) {
    enum { CHAINS_A_TRY = 1 << 13, TRIES = 200 };
    double best = 1;
    for (int i = 0; i < TRIES; i++) {
        const double start = seconds();
        (vector_bytes == 64 ? chain_512 : vector_bytes == 32 ? chain_256 : chain_alone)(CHAINS_A_TRY, 3);
        const double took = seconds() - start;
        if (took < best) best = took;
    }
    return best / (CHAINS_A_TRY * CHAIN_CYCLES);
}

const char *stream_name(void) {
    if (__builtin_cpu_supports("avx512f")) return "AVX-512";
    return __builtin_cpu_supports("avx2") ? "AVX2" : "SSE2";
}
