/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// y[M, N] = x[M, K] w[N, K]^T for few rows (M <= 16), at the speed of memory: w is a constant, packed so that 16 bytes of
// a lane are operands of mma.sync as they stand. Rows of w take the mma's 16 rows, rows of x its 8 columns; so the bits of
// a row of y depend on neither M nor the other rows. Constants come from a row of skinny.def:
//   BITS    16: w in bf16; 4: w is (q - 8) * scale with q < 16, a scale (f16) for each row and GROUP neighbouring k
//   GROUP   32 or 128 with BITS 4
//   TILES    of 16 rows of w that a warp has, which share what it reads of x
//   WARPS_N  of a block along the rows of w, WARPS_K along k; the latter's sums are added in order
//   STAGES   steps of k of w and scales in shared memory, STAGES - 1 of them on their way: a ring of the warp alone
//   BLOCKS   that shall fit into a multiprocessor
// and COLUMNS, 8 or 16: rows of x that it takes. Those stay in L2 and L1: registers hold one step of them, and each half is
// loaded for the next step as soon as it has been used.
//
// A step is 64 k in bf16 and 128 k in 4 bits. Within 32 k, lane 4 g + t reads the 8 neighbouring k from 8 t on of
// row g of x; the order of k within a sum is free, so these 8 are k of mma 2 t + e + 8 r of two products h:
//   k = 32 block + 8 t + 4 h + 2 r + e
// and w is packed by the same rule, with register s of operand a:
//   [N / (16 TILES)][K / step] of [TILES][chunk][lane] 16 bytes, then [TILES][g < 8][step / GROUP] words of scales
//   bf16:    chunk 2 block + h of a lane is [s < 4][e < 2], row g + 8 (s mod 2), r = s / 2
//   4 bits:  word 2 block + h of chunk k / 64 of a lane holds q of (s, e) at bit 4 s + 16 e
//   scales:  row g in the lower half, row g + 8 in the upper
// so that a warp reads one stream from its first byte to its last.
// dims: M, N (a multiple of 16 TILES WARPS_N), K (a multiple of the step).
enum {
    WARPS = WARPS_N * WARPS_K,
    THREADS = WARPS * 32,
    BLOCKS_OF_N = COLUMNS / 8,
    STEP_K = BITS == 16 ? 64 : 128,
    STEP_CHUNKS = BITS == 16 ? 4 : 2, // of a lane and tile of w
    X_CHUNKS = STEP_K / 32,           // of a lane and 8 rows of x
    STEP_GROUPS = BITS == 16 ? 1 : STEP_K / GROUP,
    GROUP_MMAS = STEP_K / 16 / STEP_GROUPS,
    SCALES_AT = TILES * STEP_CHUNKS * 512,
    STAGE_BYTES = SCALES_AT + (BITS == 16 ? 0 : TILES * STEP_GROUPS * 32)
};

// What the warp reads next of w (STAGES - 1 steps ahead of what it computes) and of x.
struct skinny_at {
    const unsigned char *w;                // the lane's 16 bytes
    const unsigned short *x[BLOCKS_OF_N]; // of the lane: row g, k 8 t
    index_t w_steps, x_steps;              // that are left
    bool has_row[BLOCKS_OF_N];
    unsigned ring; // of the warp
};

static __device__ __forceinline__ void fetch_step(skinny_at &at, unsigned stage)
{
    const unsigned lane = threadIdx.x & 31, to = at.ring + stage * STAGE_BYTES + lane * 16;
    if (at.w_steps > 0) {
#pragma unroll
        for (int i = 0; i < STAGE_BYTES / 512; i++) copy_async(to + (unsigned)i * 512, at.w + i * 512, 16);
        if (lane < STAGE_BYTES % 512 / 16)
            copy_async(to + STAGE_BYTES / 512 * 512, at.w + STAGE_BYTES / 512 * 512, 16);
    }
    copy_async_commit();
    at.w += STAGE_BYTES;
    at.w_steps--;
}

static __device__ __forceinline__ void load_scales(unsigned (&scales)[STEP_GROUPS], unsigned from)
{
    const unsigned *const words = (const unsigned *)(shared_memory() + from) + (threadIdx.x & 31) / 4 * STEP_GROUPS;
#pragma unroll
    for (int i = 0; i < STEP_GROUPS; i++) scales[i] = words[i];
}

// One half of the next step's operands from x; rows behind M stay 0.
static __device__ __forceinline__ void load_rows(unsigned (&x)[2][BLOCKS_OF_N][X_CHUNKS / 2][4], const skinny_at &at,
                                                 int half)
{
#pragma unroll
    for (int b = 0; b < BLOCKS_OF_N; b++)
        if (at.has_row[b] && at.x_steps > 0)
#pragma unroll
            for (int i = 0; i < X_CHUNKS / 2; i++)
                load_kept(x[half][b][i], at.x[b] + (half * X_CHUNKS / 2 + i) * 32);
}

// Operand a of a product whose 8 weights of the lane are the chunk's (bf16) or one word of it (4 bits).
static __device__ __forceinline__ void operand_of(unsigned (&a)[4], const unsigned (&w)[4], int word)
{
#pragma unroll
    for (int s = 0; s < 4; s++) {
        if (BITS == 16) a[s] = w[s];
        else a[s] = fma_bf16x2(nibbles_of(w[word] >> 4 * s), 0x3f803f80u, 0xc308c308u); // 128 + q, less 136
    }
}

static __device__ __forceinline__ void add_step(float (&sum)[TILES][BLOCKS_OF_N][4], const skinny_at &at,
                                                unsigned stage, unsigned (&x)[2][BLOCKS_OF_N][X_CHUNKS / 2][4])
{
    enum { CHUNK_MMAS = BITS == 16 ? 1 : 4, HALF_MMAS = STEP_K / 32 };
    float part[TILES][BLOCKS_OF_N][4];
    unsigned scales[TILES][STEP_GROUPS];
    const unsigned from = at.ring + stage * STAGE_BYTES, lane_from = from + (threadIdx.x & 31) * 16;
    if (BITS == 4)
#pragma unroll
        for (int tile = 0; tile < TILES; tile++)
            load_scales(scales[tile], from + SCALES_AT + (unsigned)(tile * STEP_GROUPS * 32));
#pragma unroll
    for (int half = 0; half < 2; half++) {
#pragma unroll
        for (int tile = 0; tile < TILES; tile++) {
            unsigned w[4];
#pragma unroll
            for (int j = 0; j < HALF_MMAS; j++) {
                const int i = half * HALF_MMAS + j;
                unsigned a[4];
                if (i % CHUNK_MMAS == 0)
                    load_tile(w, lane_from + (unsigned)(tile * STEP_CHUNKS + i / CHUNK_MMAS) * 512);
                operand_of(a, w, i % CHUNK_MMAS);
#pragma unroll
                for (int b = 0; b < BLOCKS_OF_N; b++) {
                    const unsigned *const of_x = &x[half][b][j / 2][j % 2 * 2];
                    if (BITS == 16) mma_bf16(sum[tile][b], a, of_x);
                    else if (i % GROUP_MMAS == 0) mma_bf16_first(part[tile][b], a, of_x);
                    else mma_bf16(part[tile][b], a, of_x);
                }
                if (BITS == 4 && i % GROUP_MMAS == GROUP_MMAS - 1)
#pragma unroll
                    for (int r = 0; r < BLOCKS_OF_N * 4; r++) {
                        const float scale = low_f16(scales[tile][i / GROUP_MMAS] >> (r % 4 / 2 * 16));
                        sum[tile][r / 4][r % 4] = fmaf(scale, part[tile][r / 4][r % 4], sum[tile][r / 4][r % 4]);
                    }
            }
        }
        load_rows(x, at, half);
    }
}

// Adds the sums of the warps along k in order and stores them: through shared memory, [WARPS][TILES * 16][COLUMNS] of f32.
static __device__ __forceinline__ void store_sums(const float (&sum)[TILES][BLOCKS_OF_N][4], unsigned short *y,
                                                  index_t M, index_t N)
{
    enum { ROWS = TILES * 16 };
    float *const sums = (float *)shared_memory();
    const unsigned lane = threadIdx.x & 31, warp = threadIdx.x / 32;
    __syncthreads(); // the stages have been read
#pragma unroll
    for (int tile = 0; tile < TILES; tile++)
#pragma unroll
        for (int b = 0; b < BLOCKS_OF_N; b++)
#pragma unroll
            for (int r = 0; r < 4; r++) {
                const unsigned n = (unsigned)tile * 16 + lane / 4 + (unsigned)r / 2 * 8;
                const unsigned m = (unsigned)b * 8 + lane % 4 * 2 + (unsigned)r % 2;
                sums[(warp * ROWS + n) * COLUMNS + m] = sum[tile][b][r];
            }
    __syncthreads();
    for (unsigned i = threadIdx.x; i < WARPS_N * ROWS * COLUMNS; i += THREADS) {
        const unsigned n = i % (WARPS_N * ROWS), m = i / (WARPS_N * ROWS);
        if ((index_t)m >= M) break;
        float total = 0;
#pragma unroll
        for (unsigned k = 0; k < WARPS_K; k++)
            total += sums[((n / ROWS * WARPS_K + k) * ROWS + n % ROWS) * COLUMNS + m];
        y[(long long)m * N + (index_t)(blockIdx.x * WARPS_N * ROWS + n)] = (unsigned short)pack_bf16(total, 0);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
skinny_product(const unsigned short *x, const unsigned char *w, unsigned short *y, const long long *dims)
{
    const index_t M = (index_t)dims[0], N = (index_t)dims[1], K = (index_t)dims[2], steps = K / STEP_K;
    const unsigned lane = threadIdx.x & 31, warp = threadIdx.x / 32;
    const index_t part = (steps + WARPS_K - 1) / WARPS_K, first = (index_t)(warp % WARPS_K) * part;
    const index_t count = smaller(first + part, steps) - first;
    skinny_at at;
    at.w = w + ((long long)(blockIdx.x * WARPS_N + warp / WARPS_K) * steps + first) * STAGE_BYTES + lane * 16;
    at.w_steps = at.x_steps = count;
    at.ring = warp * (STAGES * STAGE_BYTES);
#pragma unroll
    for (int b = 0; b < BLOCKS_OF_N; b++) {
        at.has_row[b] = b * 8 + (index_t)lane / 4 < M;
        at.x[b] = x + (long long)(b * 8 + (index_t)lane / 4) * K + first * STEP_K + lane % 4 * 8;
    }
    float sum[TILES][BLOCKS_OF_N][4] = {};
    unsigned rows[2][BLOCKS_OF_N][X_CHUNKS / 2][4] = {}, stage = 0;
#pragma unroll
    for (int s = 0; s < STAGES - 1; s++) fetch_step(at, (unsigned)s);
    load_rows(rows, at, 0);
    load_rows(rows, at, 1);
#pragma unroll 1
    for (index_t step = 0; step < count; step++) {
        if (BITS == 4) __syncwarp(0xffffffffu); // all lanes have read the stage that is filled now
        fetch_step(at, stage == 0 ? STAGES - 1 : stage - 1);
        copy_async_wait<STAGES - 1>();
        if (BITS == 4) __syncwarp(0xffffffffu); // the scales that other lanes copied are there
        at.x_steps--;
#pragma unroll
        for (int b = 0; b < BLOCKS_OF_N; b++) at.x[b] += STEP_K;
        add_step(sum, at, stage, rows);
        stage = stage == STAGES - 1 ? 0 : stage + 1;
    }
    copy_async_wait<0>();
    store_sums(sum, y, M, N);
}
