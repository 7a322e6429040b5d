/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// c[M, N] = a[M, K] b[K, N] in bf16 with sums in f32, by wgmma m64n256k16 (sm_90a). Row-major; N and K are multiples of 8.
// A block stays on its multiprocessor and takes tiles block, block + blocks ... of c[128, 256]. One thread copies boxes of
// a and b into STAGES tiles of 64 k; two warpgroups, 64 rows of the tile each, multiply them. Each stage has two barriers:
// full (its bytes are there) and empty (both warpgroups have read it). Constants: STAGES, and BAND rows of tiles whose
// blocks follow each other, from a row of wgmma.def.
//   a in shared    128 rows of 64 k
//   b in shared    4 slabs of 64 rows (k) of 64 columns
//   c of a thread  row 16 warp + g + 8 (r / 2 mod 2), column 8 (r / 4) + 2 t + r mod 2 (wgmma_c_n256 of layouts.def)
// maps: of a (boxes of 64 k, 128 rows) and b (boxes of 64 columns, 64 k). dims: M, N, K, blocks.
typedef int index_t;
enum {
    THREADS = 384, // a warpgroup for the copies, of which one thread works, and two for the products
    TILE_M = 128,
    TILE_N = 256,
    TILE_K = 64,
    SLAB_BYTES = TILE_K * 128,
    A_BYTES = TILE_M * 128,
    STAGE_BYTES = A_BYTES + TILE_N / 64 * SLAB_BYTES
};

static __device__ __forceinline__ index_t smaller(index_t x, index_t y)
{
    return x < y ? x : y;
}

struct ring {
    unsigned tiles, full, empty; // offsets of the stages and of their barriers
    unsigned stage, parity;
};

static __device__ __forceinline__ void ring_next(ring &r)
{
    if (++r.stage == STAGES) r.stage = 0, r.parity ^= 1;
}

struct tile_at {
    index_t m, n;
};

static __device__ __forceinline__ tile_at tile_of(index_t number, index_t tiles_m, index_t tiles_n)
{
    const index_t band = number / (BAND * tiles_n) * BAND, in_band = number % (BAND * tiles_n);
    const index_t rows = smaller(BAND, tiles_m - band);
    return {(band + in_band % rows) * TILE_M, in_band / rows * TILE_N};
}

static __device__ __forceinline__ void copy_tiles(ring r, const unsigned char *maps, index_t tiles_m, index_t tiles_n,
                                                  index_t steps, index_t blocks)
{
    for (index_t number = (index_t)blockIdx.x; number < tiles_m * tiles_n; number += blocks) {
        const tile_at at = tile_of(number, tiles_m, tiles_n);
        for (index_t step = 0; step < steps; step++) {
            const unsigned to = r.tiles + r.stage * STAGE_BYTES, full = r.full + r.stage * 8;
            barrier_wait(r.empty + r.stage * 8, r.parity ^ 1);
            barrier_expect(full, STAGE_BYTES);
            copy_box(to, maps, step * TILE_K, at.m, full);
#pragma unroll
            for (int slab = 0; slab < TILE_N / 64; slab++)
                copy_box(to + A_BYTES + (unsigned)slab * SLAB_BYTES, maps + 128, at.n + slab * 64, step * TILE_K, full);
            ring_next(r);
        }
    }
}

static __device__ __forceinline__ void store_tile(const float (&sum)[128], unsigned short *c, index_t m, index_t n,
                                                  index_t M, index_t N)
{
    const index_t g = (index_t)(threadIdx.x & 31) / 4, t = (index_t)(threadIdx.x & 3);
#pragma unroll
    for (int half = 0; half < 2; half++) {
        const index_t row = m + g + half * 8;
        if (row >= M) continue;
#pragma unroll
        for (int j = 0; j < TILE_N / 8; j++)
            if (n + 8 * j < N)
                *(unsigned *)(c + (long long)row * N + n + 8 * j + 2 * t) =
                    pack_bf16(sum[j * 4 + half * 2], sum[j * 4 + half * 2 + 1]);
    }
}

static __device__ __forceinline__ void multiply_tiles(ring r, unsigned short *c, index_t M, index_t N, index_t tiles_m,
                                                      index_t tiles_n, index_t steps, index_t blocks)
{
    const unsigned group = threadIdx.x / 128 - 1;
    const bool is_first = threadIdx.x % 128 == 0;
    for (index_t number = (index_t)blockIdx.x; number < tiles_m * tiles_n; number += blocks) {
        const tile_at at = tile_of(number, tiles_m, tiles_n);
        float sum[128];
        unsigned read = 0; // the barrier of the stage whose products may be under way
        for (index_t step = 0; step < steps; step++) {
            const unsigned at_stage = r.tiles + r.stage * STAGE_BYTES;
            const unsigned a = at_stage + group * 64 * 128, b = at_stage + A_BYTES;
            barrier_wait(r.full + r.stage * 8, r.parity);
            warpgroup_begin(sum);
#pragma unroll
            for (int k = 0; k < TILE_K / 16; k++)
                warpgroup_mma(sum, a + (unsigned)k * 32, b + (unsigned)k * 16 * 128, SLAB_BYTES, step > 0 || k > 0);
            warpgroup_commit();
            warpgroup_wait<1>(sum);
            if (step > 0 && is_first) barrier_arrive(read);
            read = r.empty + r.stage * 8;
            ring_next(r);
        }
        warpgroup_wait<0>(sum);
        if (is_first) barrier_arrive(read);
        store_tile(sum, c, at.m + (index_t)(group * 64 + threadIdx.x % 128 / 32 * 16), at.n, M, N);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
wgmma_bf16(const unsigned char *maps, unsigned short *c, const long long *dims)
{
    const index_t M = (index_t)dims[0], N = (index_t)dims[1], K = (index_t)dims[2], blocks = (index_t)dims[3];
    const index_t tiles_m = (M + TILE_M - 1) / TILE_M, tiles_n = (N + TILE_N - 1) / TILE_N;
    const index_t steps = (K + TILE_K - 1) / TILE_K;
    ring r = {first_tile(), 0, 0, 0, 0};
    r.full = r.tiles + STAGES * STAGE_BYTES, r.empty = r.full + STAGES * 8;
    if (threadIdx.x == 0) {
        for (unsigned s = 0; s < STAGES; s++) barrier_init(r.full + s * 8, 1), barrier_init(r.empty + s * 8, 2);
        barrier_publish();
    }
    __syncthreads();
    if (threadIdx.x < 128) {
        registers_fewer<40>();
        if (threadIdx.x == 0) copy_tiles(r, maps, tiles_m, tiles_n, steps, blocks);
    } else {
        registers_more<232>();
        multiply_tiles(r, c, M, N, tiles_m, tiles_n, steps, blocks);
    }
}
