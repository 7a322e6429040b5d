/* A stream of reads and non-temporal writes: what memory gives a kernel that reads and writes each byte once. */
#include "bench/peers.h"

#include <immintrin.h>

__attribute__((target("avx512f"))) static void copy_512(char *dst, const char *src, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 64)
        _mm512_stream_si512((void *)(dst + i), _mm512_load_si512((const void *)(src + i)));
}

__attribute__((target("avx2"))) static void copy_256(char *dst, const char *src, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 32)
        _mm256_stream_si256((void *)(dst + i), _mm256_load_si256((const void *)(src + i)));
}

static void copy_128(char *dst, const char *src, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 16) _mm_stream_si128((void *)(dst + i), _mm_load_si128((const void *)(src + i)));
}

void stream_copy(void *restrict dst, const void *restrict src, size_t bytes) {
    if (__builtin_cpu_supports("avx512f"))
        copy_512(dst, src, bytes);
    else if (__builtin_cpu_supports("avx2"))
        copy_256(dst, src, bytes);
    else
        copy_128(dst, src, bytes);
    _mm_sfence();
}

const char *stream_name(void) {
    if (__builtin_cpu_supports("avx512f")) return "AVX-512";
    return __builtin_cpu_supports("avx2") ? "AVX2" : "SSE2";
}
