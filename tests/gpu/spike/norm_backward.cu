/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// Gradients of layer norm and RMS norm over rows of bf16, from dy, x and the row's saved mean and scale (f32):
//   n = (x - mean) scale, g = dy weight, dx = scale (g - mean of g - n mean of g n)   (RMS norm: no means of x and g)
//   dweight = sum over rows of dy n, dbias = sum over rows of dy
// A block takes rows block, block + blocks ..., whose dy and x lie STAGES - 1 rows ahead in shared memory (a thread reads
// only what it copied itself, so that its own wait suffices), and keeps the sums over its rows in registers; sums of blocks
// go to `partials` [2][blocks][columns], which sum_partials adds in order of the blocks. The number of blocks is part of the order
// of the sums. Constants come from a row of norm_backward.def:
//   THREADS  of a block
//   CHUNKS   of 8 elements that a thread has: rows of up to 8 THREADS CHUNKS elements
//   STAGES   rows in shared memory
//   BLOCKS   that shall fit into a multiprocessor
// Shared memory: STAGES times dy and x, 16 bytes a chunk, then 4 * 32 words for reductions.
enum { STAGE_BYTES = 2 * CHUNKS * THREADS * 16, SLOTS = STAGES * STAGE_BYTES / 4 };

static __device__ __forceinline__ unsigned place_of(unsigned stage, int i)
{
    return stage + ((unsigned)i * THREADS + threadIdx.x) * 16;
}

static __device__ __forceinline__ void fetch_row(unsigned stage, const unsigned short *dy, const unsigned short *x,
                                                 index_t row, index_t rows, index_t columns)
{
    if (row < rows)
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            const index_t chunk = (index_t)threadIdx.x + i * THREADS;
            const bool is_inside = chunk * 8 < columns;
            const long long at = (long long)row * columns + (is_inside ? chunk * 8 : 0);
            copy_async(place_of(stage, i), dy + at, is_inside ? 16 : 0);
            copy_async(place_of(stage, CHUNKS + i), x + at, is_inside ? 16 : 0);
        }
    copy_async_commit();
}

// dims: rows, columns (a multiple of 8), blocks.
template <bool IS_RMS>
static __device__ __forceinline__ void norm_backward(const unsigned short *dy, const unsigned short *x,
                                                     const unsigned short *weight, const float *means,
                                                     const float *scales, unsigned short *dx, float *partials,
                                                     const long long *dims)
{
    const index_t rows = (index_t)dims[0], columns = (index_t)dims[1], blocks = (index_t)dims[2];
    const float share = 1.0f / (float)columns;
    unsigned w[CHUNKS][4], stage = 0, slots = SLOTS;
    float of_weight[CHUNKS][8] = {}, of_bias[IS_RMS ? 1 : CHUNKS][8] = {};
#pragma unroll
    for (int i = 0; i < CHUNKS; i++)
        load_chunk<true>(w[i], weight, (index_t)threadIdx.x + i * THREADS, columns / 8, 0);
#pragma unroll
    for (int s = 0; s < STAGES - 1; s++)
        fetch_row((unsigned)s * STAGE_BYTES, dy, x, (index_t)blockIdx.x + s * blocks, rows, columns);
    index_t row = (index_t)blockIdx.x;
    float next_mean = IS_RMS || row >= rows ? 0 : means[row], next_scale = row < rows ? scales[row] : 0;
#pragma unroll 1
    for (; row < rows; row += blocks) {
        const unsigned behind = stage == 0 ? (STAGES - 1) * STAGE_BYTES : stage - STAGE_BYTES;
        fetch_row(behind, dy, x, row + (STAGES - 1) * blocks, rows, columns);
        const float mean = next_mean, scale = next_scale;
        if (row + blocks < rows) {
            if (!IS_RMS) next_mean = means[row + blocks];
            next_scale = scales[row + blocks];
        }
        copy_async_wait<STAGES - 1>();
        float sum = 0, product = 0;
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            unsigned g[4], v[4];
            load_tile(g, place_of(stage, i));
            load_tile(v, place_of(stage, CHUNKS + i));
#pragma unroll
            for (int e = 0; e < 8; e++) {
                const float d = element_of(g, e), n = (element_of(v, e) - mean) * scale;
                const float weighted = d * element_of(w[i], e);
                of_weight[i][e] = fmaf(d, n, of_weight[i][e]);
                if (!IS_RMS) of_bias[i][e] += d;
                if (!IS_RMS) sum += weighted;
                product = fmaf(weighted, n, product);
            }
        }
        const two_sums all = tuple_over_group<two_sums, THREADS>({sum, product}, slots);
        slots ^= 64;
        sum = all.x * share, product = all.y * share;
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            unsigned g[4], v[4], out[4];
            load_tile(g, place_of(stage, i));
            load_tile(v, place_of(stage, CHUNKS + i));
#pragma unroll
            for (int e = 0; e < 4; e++) {
                float both[2];
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    const float n = (element_of(v, 2 * e + half) - mean) * scale;
                    const float weighted = element_of(g, 2 * e + half) * element_of(w[i], 2 * e + half);
                    both[half] = scale * fmaf(-n, product, IS_RMS ? weighted : weighted - sum);
                }
                out[e] = pack_bf16(both[0], both[1]);
            }
            const index_t chunk = (index_t)threadIdx.x + i * THREADS;
            if (chunk * 8 < columns) store_once(dx + (long long)row * columns + chunk * 8, out);
        }
        stage = stage == (STAGES - 1) * STAGE_BYTES ? 0 : stage + STAGE_BYTES;
    }
    copy_async_wait<0>();
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) {
        const index_t chunk = (index_t)threadIdx.x + i * THREADS;
        if (chunk * 8 >= columns) break;
#pragma unroll
        for (int e = 0; e < 8; e += 4) {
            const long long at = (long long)blockIdx.x * columns + chunk * 8 + e;
            store_kept(partials + at, (const unsigned *)&of_weight[i][e]);
            if (!IS_RMS) store_kept(partials + (long long)blocks * columns + at, (const unsigned *)&of_bias[i][e]);
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
layer_norm_backward(const unsigned short *dy, const unsigned short *x, const unsigned short *weight, const float *means,
                    const float *scales, unsigned short *dx, float *partials, const long long *dims)
{
    norm_backward<false>(dy, x, weight, means, scales, dx, partials, dims);
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
rms_norm_backward(const unsigned short *dy, const unsigned short *x, const unsigned short *weight, const float *scales,
                  unsigned short *dx, float *partials, const long long *dims)
{
    norm_backward<true>(dy, x, weight, scales, scales, dx, partials, dims);
}

// sums[i] = partials[0][i] + partials[1][i] ... in bf16, for each of the tensors that follow each other in partials. A
// block: 32 columns by 8 threads that take every 8th partial in order; their 8 sums are added in order. 256 threads.
// dims: columns (a multiple of 32), partials, tensors.
extern "C" __global__ void __launch_bounds__(256, 8)
sum_partials(const float *partials, unsigned short *sums, const long long *dims)
{
    const index_t columns = (index_t)dims[0], n = (index_t)dims[1], parts = columns / 32;
    const index_t tensor = (index_t)blockIdx.x / parts;
    const index_t column = (index_t)blockIdx.x % parts * 32 + (index_t)(threadIdx.x & 31);
    float *const slots = (float *)shared_memory();
    float sum = 0;
#pragma unroll 8
    for (index_t i = (index_t)threadIdx.x / 32; i < n; i += 8)
        sum += partials[((long long)tensor * n + i) * columns + column];
    slots[threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x >= 32) return;
    for (int i = 1; i < 8; i++) sum += slots[i * 32 + (int)threadIdx.x];
    sums[tensor * columns + column] = (unsigned short)pack_bf16(sum, 0);
}
