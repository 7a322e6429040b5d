/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// o = softmax(factor q k^T) v in bf16, sums in f32: q, o [heads, S, D], k, v [heads / group, T, D]; causal: query i sees
// keys up to i + T - S. A block has 16 ROWS WARPS queries of one head and goes through the keys in order, STAGES tiles of k and v
// in shared memory. Constants come from a row of attention.def:
//   D        of a head, a multiple of 64
//   ROWS     times 16 queries of a warp
//   WARPS    of a block
//   KEYS     of a tile
//   STAGES   tiles of k and v in shared memory
//   BLOCKS   that shall fit into a multiprocessor
//   IS_KEPT  q stays in registers; otherwise it is loaded for each tile
//   PARTIAL  0: one chain over all keys; otherwise a chain over PARTIAL tiles at multiples of them, and chains are combined
//            in order: the bits are those of attention_decode.cu, however that splits the keys
//   IS_TOTAL_SHARED  their total (f32, a thread its own) is in shared memory; otherwise in `totals`, which stays in L2
// Shared memory: q, the stages (k, then v), the total.
enum {
    THREADS = WARPS * 32,
    TILE = WARPS * ROWS * 16,
    Q_BYTES = TILE * D * 2,
    TOTAL_AT = Q_BYTES + STAGES * 2 * TILE_BYTES,
    TILE_COPIES = KEYS * D_CHUNKS / THREADS,
    Q_COPIES = TILE * D_CHUNKS / THREADS
};
static_assert(KEYS * D_CHUNKS % THREADS == 0, "threads share copies evenly");

// Rows behind n are 0.
template <int n_copies>
static __device__ __forceinline__ void fetch(unsigned to, const unsigned short *from, index_t first, index_t n)
{
#pragma unroll
    for (int i = 0; i < n_copies; i++) {
        const unsigned row = (threadIdx.x + i * THREADS) / D_CHUNKS, chunk = (threadIdx.x + i * THREADS) % D_CHUNKS;
        const bool is_inside = first + (index_t)row < n;
        copy_async(to + place_of(row, chunk), from + (long long)(is_inside ? first + (index_t)row : 0) * D + chunk * 8,
                   is_inside ? 16 : 0);
    }
}

// Keys behind the last one a query sees weigh nothing.
static __device__ __forceinline__ void mask(float (&s)[ROWS][K_TILES][4], index_t first_query_end,
                                            index_t step_of_query, index_t first_key, index_t T)
{
    const index_t g = (index_t)(threadIdx.x & 31) / 4, t = (index_t)(threadIdx.x & 3);
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
        for (int r = 0; r < 4; r++) {
            const index_t end = smaller(T, first_query_end + step_of_query * (16 * i + g + r / 2 * 8)) - first_key;
#pragma unroll
            for (int j = 0; j < K_TILES; j++)
                if (8 * j + 2 * t + r % 2 >= end) s[i][j][r] = -INFINITY;
        }
}

struct total {
    float *o; // of the thread, one in THREADS words
    float top[ROWS][2], sum[ROWS][2];
};

static __device__ __forceinline__ void total_begin(total &all, float *totals)
{
    all.o = IS_TOTAL_SHARED ? (float *)(shared_memory() + TOTAL_AT)
                            : totals + (long long)blockIdx.x * (ROWS * V_TILES * 4 * THREADS);
    all.o += threadIdx.x;
#pragma unroll
    for (int i = 0; i < ROWS * 2; i++) all.top[i / 2][i % 2] = -INFINITY, all.sum[i / 2][i % 2] = 0;
#pragma unroll
    for (int j = 0; j < ROWS * V_TILES * 4; j++) all.o[j * THREADS] = 0;
}

static __device__ __forceinline__ void total_add(total &all, chain &c)
{
    chain_finish(c);
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
        float old[2], now[2];
#pragma unroll
        for (int half = 0; half < 2; half++) {
            factors_of_both(all.top[i][half], c.top[i][half], old[half], now[half]);
            all.sum[i][half] = fmaf(all.sum[i][half], old[half], c.sum[i][half] * now[half]);
        }
#pragma unroll
        for (int j = 0; j < V_TILES * 4; j++) {
            float &x = all.o[(i * V_TILES * 4 + j) * THREADS];
            x = fmaf(x, old[j % 4 / 2], (&c.o[i][0][0])[j] * now[j % 4 / 2]);
        }
    }
    chain_begin(c);
}

static __device__ __forceinline__ void store_queries(const chain &c, unsigned short *o, index_t first, index_t S)
{
    const index_t g = (index_t)(threadIdx.x & 31) / 4, t = (index_t)(threadIdx.x & 3);
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
        for (int half = 0; half < 2; half++) {
            const index_t query = first + 16 * i + g + half * 8;
            const float scale = 1.0f / c.sum[i][half];
            if (query >= S) continue;
#pragma unroll
            for (int j = 0; j < V_TILES; j++)
                *(unsigned *)(o + (long long)query * D + 8 * j + 2 * t) =
                    pack_bf16(c.o[i][j][half * 2] * scale, c.o[i][j][half * 2 + 1] * scale);
        }
}

// dims: heads, group, S, T.
template <bool IS_CAUSAL>
static __device__ __forceinline__ void attention(const unsigned short *q, const unsigned short *k,
                                                 const unsigned short *v, unsigned short *o, float *totals,
                                                 const float *factors, const long long *dims)
{
    const index_t group = (index_t)dims[1], S = (index_t)dims[2], T = (index_t)dims[3];
    const index_t blocks = (S + TILE - 1) / TILE, head = (index_t)blockIdx.x / blocks;
    const index_t block = IS_CAUSAL ? blocks - 1 - (index_t)blockIdx.x % blocks : (index_t)blockIdx.x % blocks;
    const index_t first_of_warp = block * TILE + (index_t)(threadIdx.x / 32) * ROWS * 16;
    const index_t seen = IS_CAUSAL ? T - S + 1 : T; // keys that query 0 sees; negative: none, nor do the next ones
    const index_t end = IS_CAUSAL ? smaller(T, block * TILE + TILE - 1 + seen) : T;
    const index_t tiles = end > 0 ? (end + KEYS - 1) / KEYS : 0;
    const float factor = factors[0] * log2_e;
    const unsigned q_at = threadIdx.x / 32 * (ROWS * 16 * D * 2);
    k += (long long)(head / group) * T * D, v += (long long)(head / group) * T * D;
    q += (long long)head * S * D, o += (long long)head * S * D;
    fetch<Q_COPIES>(0, q, block * TILE, S);
#pragma unroll
    for (int i = 0; i < STAGES - 1; i++) {
        if (i < tiles) {
            fetch<TILE_COPIES>(Q_BYTES + i * 2 * TILE_BYTES, k, i * KEYS, T);
            fetch<TILE_COPIES>(Q_BYTES + i * 2 * TILE_BYTES + TILE_BYTES, v, i * KEYS, T);
        }
        copy_async_commit();
    }
    chain c;
    chain_begin(c);
    total all;
    unsigned q_kept[D_STEPS][ROWS][4], at = Q_BYTES;
    if (PARTIAL) total_begin(all, totals);
#pragma unroll 1
    for (index_t tile = 0; tile < tiles; tile++) {
        copy_async_wait<STAGES - 2>();
        __syncthreads(); // the tile is there, and the one before has been read
        if (IS_KEPT && tile == 0)
#pragma unroll
            for (int i = 0; i < D_STEPS * ROWS; i++)
                load_matrices(q_kept[i / ROWS][i % ROWS], q_at + (lane_of_rows() ^ (unsigned)(i / ROWS * 32)) +
                                                              (unsigned)(i % ROWS * 16 * D_CHUNKS * 16));
        if (tile + STAGES - 1 < tiles) {
            const unsigned to = at == Q_BYTES ? Q_BYTES + (STAGES - 1) * 2 * TILE_BYTES : at - 2 * TILE_BYTES;
            fetch<TILE_COPIES>(to, k, (tile + STAGES - 1) * KEYS, T);
            fetch<TILE_COPIES>(to + TILE_BYTES, v, (tile + STAGES - 1) * KEYS, T);
        }
        copy_async_commit();
        if (!IS_CAUSAL || tile * KEYS < first_of_warp + ROWS * 16 - 1 + seen) {
            float s[ROWS][K_TILES][4];
            scores_of<IS_KEPT != 0>(s, q_kept, q_at, at);
            if (tile * KEYS + KEYS > T || (IS_CAUSAL && tile * KEYS + KEYS > first_of_warp + seen))
                mask(s, (IS_CAUSAL ? first_of_warp : 0) + seen, IS_CAUSAL, tile * KEYS, T);
            chain_weigh(c, s, factor);
            chain_add(c, s, at + TILE_BYTES);
        }
        at = at == Q_BYTES + (STAGES - 1) * 2 * TILE_BYTES ? Q_BYTES : at + 2 * TILE_BYTES;
        if (PARTIAL && (tile + 1) % (PARTIAL ? PARTIAL : 1) == 0) total_add(all, c);
    }
    copy_async_wait<0>();
    if (PARTIAL) {
        total_add(all, c);
#pragma unroll
        for (int j = 0; j < ROWS * V_TILES * 4; j++)
            (&c.o[0][0][0])[j] = all.o[j * THREADS];
#pragma unroll
        for (int i = 0; i < ROWS * 2; i++) c.sum[i / 2][i % 2] = all.sum[i / 2][i % 2];
    } else {
        chain_finish(c);
    }
    store_queries(c, o, first_of_warp, S);
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
attention_full(const unsigned short *q, const unsigned short *k, const unsigned short *v, unsigned short *o,
               float *totals, const float *factors, const long long *dims)
{
    attention<false>(q, k, v, o, totals, factors, dims);
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
attention_causal(const unsigned short *q, const unsigned short *k, const unsigned short *v, unsigned short *o,
                 float *totals, const float *factors, const long long *dims)
{
    attention<true>(q, k, v, o, totals, factors, dims);
}
