/* The yardsticks that kernels are measured against, in the same process and the same run: oneDNN's matmul with packed
 * weights, and a plain stream of reads and non-temporal writes. Benches only; frit itself uses neither. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include <stddef.h>
#include <stdint.h>

/* onednn.c: one f32 matmul C[M, N] = A[M, K] B[K, N] whose weights B are packed once, on one thread. NULL where oneDNN
 * refuses. The struct is the caller's to free; B is not kept. */
typedef struct onednn_matmul onednn_matmul;
onednn_matmul *onednn_matmul_new(int64_t m, int64_t n, int64_t k, const float *b);
int onednn_matmul_run(onednn_matmul *p, float *a, float *c); /* 0: done */
void onednn_matmul_free(onednn_matmul *p);

/* stream.c: reads `bytes` bytes of each of n sources (1 .. STREAM_MOST) and writes as many to dst with non-temporal
 * stores of the widest vector that this CPU has; all aligned to 64, bytes a multiple of 64. stream_name says which
 * vector that is. */
enum { STREAM_MOST = 2 };
void stream_through(void *restrict dst, int n, const void *const *src, size_t bytes);
const char *stream_name(void);

#endif
