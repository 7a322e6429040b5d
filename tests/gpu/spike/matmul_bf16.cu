/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// c[M, N] = a[M, K] b[K, N] in bf16 with sums in f32, by mma.sync m16n8k16. Row-major; N and K are multiples of 8, each
// matrix is 16-byte aligned. One block of threads computes a tile of c; its k runs through STAGES tiles in shared memory
// that copy_async fills ahead. Constants come from a row of tiles.def:
//   TILE_M TILE_N TILE_K     a block's tile: c[TILE_M, TILE_N], and k of one stage
//   WARPS_M WARPS_N WARPS_K  warps along each of them; all are powers of two
//   STAGES                   tiles of k in shared memory
//   BLOCKS                   blocks that shall fit into a multiprocessor
//
// Who owns which element (lane = 4 g + t, g < 8, t < 4; register r, element e < 2 of a 32-bit register):
//   operand        row                       column                    registers r
//   a of mma       m = g + 8 (r mod 2)       k = 2 t + e + 8 (r / 2)   4, two bf16 each
//   b of mma       k = 2 t + e + 8 r         n = g                     2, two bf16 each
//   c of mma       m = g + 8 (r / 2)         n = 2 t + r mod 2         4, f32
//   a in shared    m: all, chunk of 8 k at   chunk XOR s(m)            rows of TILE_K
//   b in shared    k: all, chunk of 8 n at   chunk XOR s(k)            rows of TILE_N
//   c in shared    m: all, chunk of 8 n at   chunk XOR s(m)            rows of TILE_N
// with s(row) = row mod 8 for rows of at least 8 chunks, (row / (8 / n)) mod n for rows of n < 8 chunks: the 8 chunks
// that a phase of load_matrices reads, one of each of 8 neighbouring rows, then lie in 32 different banks.
//   warp  = (warp_k WARPS_M + warp_m) WARPS_N + warp_n
//   c[m, n]: m = TILE_M block_m + WARP_M warp_m + 16 i + (m of mma), n = TILE_N block_n + WARP_N warp_n + 8 j + (n of mma)
//   k = TILE_K tile + 16 (STEPS warp_k + step) + (k of mma)
typedef int index_t; // every index is below 2^31
enum {
    THREADS = WARPS_M * WARPS_N * WARPS_K * 32,
    WARP_M = TILE_M / WARPS_M,
    WARP_N = TILE_N / WARPS_N,
    MMA_M = WARP_M / 16,
    MMA_N = WARP_N / 8,
    STEPS = TILE_K / 16 / WARPS_K,
    A_CHUNKS = TILE_K / 8,
    B_CHUNKS = TILE_N / 8,
    A_BYTES = TILE_M * TILE_K * 2,
    B_BYTES = TILE_K * TILE_N * 2,
    STAGE_BYTES = A_BYTES + B_BYTES,
    A_COPIES = TILE_M * A_CHUNKS / THREADS,
    B_COPIES = TILE_K * B_CHUNKS / THREADS,
    BLOCK_ROWS = 8 // rows of tiles whose blocks follow each other, so that they share what L2 holds
};
static_assert(WARP_M % 16 == 0 && WARP_N % 16 == 0, "a warp takes whole pairs of mma");
static_assert(STEPS > 0 && STEPS % 2 == 0, "operands of two steps take turns in the registers");
static_assert(TILE_M * A_CHUNKS % THREADS == 0 && TILE_K * B_CHUNKS % THREADS == 0, "threads share copies evenly");
static_assert(TILE_M * TILE_N * 2 <= STAGES * STAGE_BYTES, "c goes through the stages' memory");
static_assert((WARPS_K - 1) * TILE_M * TILE_N * 4 <= STAGES * STAGE_BYTES, "partial sums too");

static __device__ __forceinline__ index_t smaller(index_t x, index_t y)
{
    return x < y ? x : y;
}

// Offset of a chunk in a tile whose rows have n chunks of 16 bytes.
template <int n> static __device__ __forceinline__ unsigned swizzled(unsigned row, unsigned chunk)
{
    const unsigned turn = n >= 8 ? row & 7 : row / (n < 8 ? 8 / n : 1) & (n - 1);
    return (row * n + (chunk ^ turn)) * 16;
}

// Begins the thread's copies of part `part` of STEPS of a's and b's tile of k from k0 on. Rows and columns behind the
// matrix repeat its last ones, as nothing of them is stored; k behind K counts as 0.
static __device__ __forceinline__ void fetch(unsigned to, const unsigned short *a, const unsigned short *b, index_t m0,
                                             index_t n0, index_t k0, index_t M, index_t N, index_t K, int part)
{
#pragma unroll
    for (int i = A_COPIES * part / STEPS; i < A_COPIES * (part + 1) / STEPS; i++) {
        const unsigned row = (threadIdx.x + i * THREADS) / A_CHUNKS, chunk = (threadIdx.x + i * THREADS) % A_CHUNKS;
        const index_t m = smaller(m0 + (index_t)row, M - 1), k = k0 + (index_t)chunk * 8;
        copy_async(to + swizzled<A_CHUNKS>(row, chunk), a + (k < K ? m * K + k : 0), k < K ? 16 : 0);
    }
#pragma unroll
    for (int i = B_COPIES * part / STEPS; i < B_COPIES * (part + 1) / STEPS; i++) {
        const unsigned row = (threadIdx.x + i * THREADS) / B_CHUNKS, chunk = (threadIdx.x + i * THREADS) % B_CHUNKS;
        const index_t k = k0 + (index_t)row, n = smaller(n0 + (index_t)chunk * 8, N - 8);
        copy_async(to + A_BYTES + swizzled<B_CHUNKS>(row, chunk), b + (k < K ? k * N + n : 0), k < K ? 16 : 0);
    }
}

// The warp's operands of one step of 16 k out of the stage at `at`. A step moves the chunks of a by an XOR, the rows of b
// by a sum.
static __device__ __forceinline__ void load_step(unsigned (&a)[MMA_M][4], unsigned (&b)[MMA_N / 2][4], unsigned at,
                                                 unsigned a_lane, unsigned b_lane, int step)
{
#pragma unroll
    for (int i = 0; i < MMA_M; i++)
        load_matrices(a[i], at + (a_lane ^ (unsigned)step * 32) + (unsigned)(i * 16 * A_CHUNKS * 16));
#pragma unroll
    for (int j = 0; j < MMA_N / 2; j++)
        load_matrices_turned(b[j], at + A_BYTES + (b_lane ^ (unsigned)j * 32) + (unsigned)(step * 16 * B_CHUNKS * 16));
}

// Adds the sums of the warps along k in the order of k; warp_k 0 has the total.
static __device__ __forceinline__ void add_partials(float (&c)[MMA_M][MMA_N][4], unsigned warp_mn, unsigned warp_k)
{
    const unsigned lane = threadIdx.x & 31;
    float *const sums = (float *)shared_memory();
    if (warp_k > 0)
        for (int i = 0; i < MMA_M * MMA_N * 4; i++)
            sums[(((warp_k - 1) * WARPS_M * WARPS_N + warp_mn) * MMA_M * MMA_N * 4 + i) * 32 + lane] =
                (&c[0][0][0])[i];
    __syncthreads();
    if (warp_k == 0)
        for (int k = 1; k < WARPS_K; k++)
#pragma unroll
            for (int i = 0; i < MMA_M * MMA_N * 4; i++)
                (&c[0][0][0])[i] +=
                    sums[(((k - 1) * WARPS_M * WARPS_N + warp_mn) * MMA_M * MMA_N * 4 + i) * 32 + lane];
    __syncthreads();
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
matmul_bf16(const unsigned short *a, const unsigned short *b, unsigned short *c, const long long *dims)
{
    const index_t M = (index_t)dims[0], N = (index_t)dims[1], K = (index_t)dims[2];
    const index_t tiles_m = (M + TILE_M - 1) / TILE_M, tiles_n = (N + TILE_N - 1) / TILE_N;
    const index_t band = (index_t)blockIdx.x / (BLOCK_ROWS * tiles_n) * BLOCK_ROWS;
    const index_t in_band = (index_t)blockIdx.x % (BLOCK_ROWS * tiles_n), rows = smaller(BLOCK_ROWS, tiles_m - band);
    const index_t m0 = (band + in_band % rows) * TILE_M, n0 = in_band / rows * TILE_N;
    const unsigned lane = threadIdx.x & 31, warp = threadIdx.x / 32;
    const unsigned warp_n = warp % WARPS_N, warp_m = warp / WARPS_N % WARPS_M, warp_k = warp / (WARPS_N * WARPS_M);
    const unsigned row_lane = lane & 15, chunk_lane = lane >> 4;
    const unsigned a_lane =
        swizzled<A_CHUNKS>(warp_m * WARP_M + row_lane, (warp_k * STEPS * 2) | chunk_lane);
    const unsigned b_lane =
        swizzled<B_CHUNKS>(warp_k * STEPS * 16 + row_lane, (warp_n * WARP_N / 8) | chunk_lane);
    const index_t tiles = (K + TILE_K - 1) / TILE_K;
    unsigned read = 0, write = (STAGES - 1) * STAGE_BYTES;
    float sum[MMA_M][MMA_N][4] = {};
    unsigned a_regs[2][MMA_M][4], b_regs[2][MMA_N / 2][4];
#pragma unroll
    for (int s = 0; s < STAGES - 1; s++) {
        if (s < tiles)
#pragma unroll
            for (int part = 0; part < STEPS; part++)
                fetch((unsigned)s * STAGE_BYTES, a, b, m0, n0, s * TILE_K, M, N, K, part);
        copy_async_commit();
    }
    copy_async_wait<STAGES - 2>();
    __syncthreads();
    load_step(a_regs[0], b_regs[0], read, a_lane, b_lane, 0);
#pragma unroll 1
    for (index_t tile = 0; tile < tiles; tile++) {
#pragma unroll
        for (int step = 0; step < STEPS; step++) {
            const int now = step % 2, next = 1 - now;
            if (tile + STAGES - 1 < tiles)
                fetch(write, a, b, m0, n0, (tile + STAGES - 1) * TILE_K, M, N, K, step);
            if (step == STEPS - 1) { // the next tile's stage is complete, and this one's has been read
                copy_async_commit();
                copy_async_wait<STAGES - 2>();
                __syncthreads();
                write = read;
                read = read + STAGE_BYTES == STAGES * STAGE_BYTES ? 0 : read + STAGE_BYTES;
            }
            load_step(a_regs[next], b_regs[next], read, a_lane, b_lane, (step + 1) % STEPS);
#pragma unroll
            for (int i = 0; i < MMA_M; i++)
#pragma unroll
                for (int j = 0; j < MMA_N; j++)
                    mma_bf16(sum[i][j], a_regs[now][i], &b_regs[now][j / 2][j % 2 * 2]);
        }
    }
    copy_async_wait<0>(); // and a barrier: the last step has loaded operands that nobody uses
    __syncthreads();
    if (WARPS_K > 1) add_partials(sum, warp_m * WARPS_N + warp_n, warp_k);
    if (warp_k == 0)
#pragma unroll
        for (int i = 0; i < MMA_M; i++)
#pragma unroll
            for (int j = 0; j < MMA_N; j++)
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    const unsigned m = warp_m * WARP_M + i * 16 + half * 8 + lane / 4, chunk = warp_n * WARP_N / 8 + j;
                    *(unsigned *)(shared_memory() + swizzled<B_CHUNKS>(m, chunk) + lane % 4 * 4) =
                        pack_bf16(sum[i][j][half * 2], sum[i][j][half * 2 + 1]);
                }
    __syncthreads();
    for (unsigned at = threadIdx.x; at < TILE_M * B_CHUNKS; at += THREADS) {
        const unsigned row = at / B_CHUNKS, chunk = at % B_CHUNKS;
        const index_t m = m0 + (index_t)row, n = n0 + (index_t)chunk * 8;
        if (m < M && n < N)
            *(ulonglong2 *)(c + m * N + n) = *(const ulonglong2 *)(shared_memory() + swizzled<B_CHUNKS>(row, chunk));
    }
}
