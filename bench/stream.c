/* A stream of reads and non-temporal writes: what memory gives a kernel that reads and writes each byte once. */
#include "bench/peers.h"

#include <immintrin.h>

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

const char *stream_name(void) {
    if (__builtin_cpu_supports("avx512f")) return "AVX-512";
    return __builtin_cpu_supports("avx2") ? "AVX2" : "SSE2";
}
