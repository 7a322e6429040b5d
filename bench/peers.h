/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The yardsticks that kernels are measured against, in the same process and the same run: oneDNN's matmul with packed
 * weights, and a plain stream of reads and non-temporal writes. Benches only; frit itself uses neither. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include <stddef.h>
#include <stdint.h>

/* onednn.c: one matmul C[M, N] = A[M, K] B[K, N] whose weights B are packed once; A and B in f32, rounded to bf16, or A
 * to u8 and B to s8 (A once, by onednn_matmul_new), C in f32, of bytes in s32. NULL where oneDNN refuses. The struct is
 * the caller's to free; A and B are not kept. */
typedef enum onednn_types { ONEDNN_F32, ONEDNN_BF16, ONEDNN_BYTES } onednn_types;
typedef struct onednn_matmul onednn_matmul;
onednn_matmul *onednn_matmul_new(const int64_t mnk[3], onednn_types types, const float *a, const float *b);
int onednn_matmul_run(onednn_matmul *p, void *c); /* 0: done */
void onednn_matmul_free(onednn_matmul *p);
const char *onednn_kernels(void); /* "oneDNN 3.7.0, its kernels for AVX512_CORE" */

/* openblas.c: which kernels OpenBLAS has picked, "OpenBLAS, its kernels for SkylakeX", and whether they have the fused
 * multiply-adds that this CPU has; if not, its times say nothing of what a library can do. */
const char *openblas_kernels(void);
int openblas_knows_cpu(void);
/* The same for a name that OpenBLAS gives. vector_bytes: of this CPU's widest vectors. */
int openblas_core_suits(const char *core, uint32_t vector_bytes);

/* stream.c: reads `bytes` bytes of each of n sources (1 .. STREAM_MOST) and writes as many to dst with non-temporal
 * stores of the widest vector that this CPU has; all aligned to 64, bytes a multiple of 64. stream_name says which
 * vector that is. */
enum { STREAM_MOST = 2 };
void stream_through(void *restrict dst, int n, const void *const *src, size_t bytes);
const char *stream_name(void);
/* Reads bytes (a multiple of 1024, aligned to 64) once with the widest vectors, as 1, 2 or 4 streams; returns something
 * of what it read. */
float stream_read(const void *src, size_t bytes, size_t n_streams);
/* n rounds of fused multiply-adds in f32 (or of bf16 dot products, then of the widest vectors) from registers alone;
 * returns how many floating-point operations that was, 0 where this CPU has none such. vector_bytes: 16, 32 or 64, at
 * most what this CPU has. */
double peak_flops(int64_t n, int is_bf16, uint32_t vector_bytes);
/* Seconds of a cycle while vectors of so many bytes are in use. */
double cycle_seconds(uint32_t vector_bytes);

#endif
