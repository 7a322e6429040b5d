/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// Attention of one query a head over long keys, at the speed of memory: q [pairs, group, D], k, v [pairs, T, D], a pair
// being a batch and one head of keys, with group <= 16 heads of queries: the rows of one mma. A warp takes a partial, a
// chain over PARTIAL tiles of KEYS keys at a multiple of them, with a ring of SLICES tiles (k, v, k, v ...) of shared
// memory for itself alone: no barrier of the block. attention_combine adds the partials in order. Constants come from a
// row of attention_decode.def: D, WARPS of a block, KEYS, SLICES, BLOCKS that shall fit into a multiprocessor, PARTIAL.
enum { THREADS = WARPS * 32, LANE_COPIES = KEYS * D_CHUNKS / 32 };

// Slice n of the partial whose first key is `first`, into its place in the ring; behind the keys, 0.
static __device__ __forceinline__ void fetch_slice(unsigned ring, const unsigned short *k, const unsigned short *v,
                                                   int n, index_t first, index_t T)
{
    const index_t key = first + n / 2 * KEYS;
    const unsigned to = ring + (unsigned)(n % SLICES) * TILE_BYTES, lane = threadIdx.x & 31;
    const unsigned short *const from = n % 2 ? v : k;
    if (n < PARTIAL * 2 && key < T)
#pragma unroll
        for (int i = 0; i < LANE_COPIES; i++) {
            const unsigned row = (lane + (unsigned)i * 32) / D_CHUNKS, chunk = (lane + (unsigned)i * 32) % D_CHUNKS;
            const bool is_inside = key + (index_t)row < T;
            copy_async(to + place_of(row, chunk),
                       from + (long long)(is_inside ? key + (index_t)row : 0) * D + chunk * 8, is_inside ? 16 : 0);
        }
    copy_async_commit();
}

// Operand a of the mma: the group's queries, and 0 behind them.
static __device__ __forceinline__ void load_queries(unsigned (&q)[D_STEPS][1][4], const unsigned short *from,
                                                    index_t group)
{
    const index_t g = (index_t)(threadIdx.x & 31) / 4, t = (index_t)(threadIdx.x & 3);
#pragma unroll
    for (int step = 0; step < D_STEPS; step++)
#pragma unroll
        for (int r = 0; r < 4; r++) {
            const index_t row = g + r % 2 * 8;
            q[step][0][r] =
                row < group ? *(const unsigned *)(from + row * D + step * 16 + r / 2 * 8 + 2 * t) : 0;
        }
}

// sums [pairs, partials, group, D] and tops_sums [pairs, partials, group, 2], f32. dims: pairs, group, T.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
attention_decode(const unsigned short *q, const unsigned short *k, const unsigned short *v, float *sums,
                 float *tops_sums, const float *factors, const long long *dims)
{
    const index_t pairs = (index_t)dims[0], group = (index_t)dims[1], T = (index_t)dims[2];
    const index_t partials = (T + KEYS * PARTIAL - 1) / (KEYS * PARTIAL);
    const index_t item = (index_t)(blockIdx.x * WARPS + threadIdx.x / 32);
    if (item >= pairs * partials) return;
    const index_t pair = item / partials, first = item % partials * (KEYS * PARTIAL);
    const index_t g = (index_t)(threadIdx.x & 31) / 4, t = (index_t)(threadIdx.x & 3);
    const unsigned ring = threadIdx.x / 32 * (SLICES * TILE_BYTES);
    const float factor = factors[0] * log2_e;
    k += (long long)pair * T * D, v += (long long)pair * T * D;
#pragma unroll
    for (int n = 0; n < SLICES; n++) fetch_slice(ring, k, v, n, first, T);
    unsigned kept[D_STEPS][1][4];
    load_queries(kept, q + (long long)pair * group * D, group);
    chain c;
    chain_begin(c);
#pragma unroll 1
    for (int tile = 0; tile < PARTIAL && first + tile * KEYS < T; tile++) {
        const unsigned k_at = ring + (unsigned)(2 * tile % SLICES) * TILE_BYTES;
        const unsigned v_at = ring + (unsigned)((2 * tile + 1) % SLICES) * TILE_BYTES;
        float s[1][K_TILES][4];
        copy_async_wait<SLICES - 1>();
        __syncwarp(0xffffffffu); // all lanes' copies are there
        scores_of<true>(s, kept, 0, k_at);
        __syncwarp(0xffffffffu); // all lanes have read
        fetch_slice(ring, k, v, 2 * tile + SLICES, first, T);
        if (first + tile * KEYS + KEYS > T)
#pragma unroll
            for (int i = 0; i < K_TILES * 4; i++)
                if (first + tile * KEYS + i / 4 * 8 + 2 * t + i % 2 >= T) s[0][i / 4][i % 4] = -INFINITY;
        chain_weigh(c, s, factor);
        copy_async_wait<SLICES - 1>();
        __syncwarp(0xffffffffu);
        chain_add(c, s, v_at);
        __syncwarp(0xffffffffu);
        fetch_slice(ring, k, v, 2 * tile + 1 + SLICES, first, T);
    }
    copy_async_wait<0>();
    chain_finish(c);
#pragma unroll
    for (int half = 0; half < 2; half++) {
        const long long row = (long long)item * group + g + half * 8;
        if (g + half * 8 >= group) continue;
#pragma unroll
        for (int j = 0; j < V_TILES; j++) {
            float *const to = sums + row * D + 8 * j + 2 * t;
            to[0] = c.o[0][j][half * 2], to[1] = c.o[0][j][half * 2 + 1];
        }
        if (t == 0) tops_sums[row * 2] = c.top[0][half], tops_sums[row * 2 + 1] = c.sum[0][half];
    }
}

// o [pairs, group, D] from the partials, in order. One block of D threads for each pair and head. dims: partials, group.
extern "C" __global__ void __launch_bounds__(D, 8)
attention_combine(const float *sums, const float *tops_sums, unsigned short *o, const long long *dims)
{
    const index_t partials = (index_t)dims[0], group = (index_t)dims[1];
    const index_t pair = (index_t)blockIdx.x / group, head = (index_t)blockIdx.x % group;
    float top = -INFINITY, sum = 0, total = 0;
#pragma unroll 8
    for (index_t i = 0; i < partials; i++) {
        const long long row = ((long long)pair * partials + i) * group + head;
        float old, next;
        factors_of_both(top, tops_sums[row * 2], old, next);
        sum = fmaf(sum, old, tops_sums[row * 2 + 1] * next);
        total = fmaf(total, old, sums[row * D + (index_t)threadIdx.x] * next);
    }
    o[(long long)blockIdx.x * D + threadIdx.x] = (unsigned short)pack_bf16(total * (1.0f / sum), 0);
}
