/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// Softmax and cross-entropy over rows of bf16 too long for one block's registers. Constants come from a row of
// long_rows.def:
//   THREADS  of a block
//   CHUNKS   of 8 elements (16 bytes): softmax_cluster keeps that many a thread in registers; the others have as many on
//            their way
//   CLUSTER  blocks that share a row and each other's shared memory (softmax_cluster, softmax_tile)
//   IS_TILE  softmax_tile is meant
//   BLOCKS   that shall fit into a multiprocessor
// A thread's maximum and the sum of exponentials below it are one pair (online softmax); pairs meet in a fixed tree: lanes,
// warps, blocks of the cluster.
static __device__ __forceinline__ void pair_add(softmax_pair &pair, const unsigned (&r)[CHUNKS][4])
{
    float top = -INFINITY, sum = 0;
#pragma unroll
    for (int i = 0; i < CHUNKS * 8; i++) top = larger(top, element_of(r[i / 8], i % 8));
    top = larger(pair.top, top * log2_e);
    const float base = top == -INFINITY ? 0 : top;
#pragma unroll
    for (int i = 0; i < CHUNKS * 8; i++) sum += exp2_quick(fmaf(element_of(r[i / 8], i % 8), log2_e, -base));
    pair = {top, fmaf(pair.sum, exp2_quick(pair.top - base), sum)};
}

static __device__ __forceinline__ void load_part(unsigned (&r)[CHUNKS][4], const unsigned short *row, index_t first,
                                                 index_t step, index_t chunks)
{
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) load_chunk<false>(r[i], row, first + i * step, chunks, 0xff80ff80u);
}

static __device__ __forceinline__ void store_part(unsigned short *row, const unsigned (&r)[CHUNKS][4], index_t first,
                                                  index_t step, index_t chunks, softmax_pair all)
{
    const float factor = reciprocal_quick(all.sum);
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) {
        unsigned out[4];
#pragma unroll
        for (int e = 0; e < 4; e++)
            out[e] = pack_bf16(exp2_quick(fmaf(low_bf16(r[i][e]), log2_e, -all.top)) * factor,
                               exp2_quick(fmaf(high_bf16(r[i][e]), log2_e, -all.top)) * factor);
        if (first + i * step < chunks) store_once(row + (first + i * step) * 8, out);
    }
}

// The row's pair by one block. The next CHUNKS loads begin before these are used.
static __device__ __forceinline__ softmax_pair pair_of_row(const unsigned short *row, index_t chunks)
{
    softmax_pair pair = {-INFINITY, 0};
    unsigned r[CHUNKS][4], next[CHUNKS][4];
    load_part(next, row, (index_t)threadIdx.x, THREADS, chunks);
#pragma unroll 1
    for (index_t first = (index_t)threadIdx.x; first < chunks; first += CHUNKS * THREADS) {
#pragma unroll
        for (int i = 0; i < CHUNKS * 4; i++) (&r[0][0])[i] = (&next[0][0])[i];
        load_part(next, row, first + CHUNKS * THREADS, THREADS, chunks);
        pair_add(pair, r);
    }
    return tuple_over_group<softmax_pair, THREADS>(pair, 0);
}

// losses[row] = log of the sum of exp(x) - x[target]. One block a row. dims: rows, columns (a multiple of 8).
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
cross_entropy(const unsigned short *x, const long long *targets, float *losses, const long long *dims)
{
    const index_t columns = (index_t)dims[1];
    const unsigned short *const row = x + (long long)blockIdx.x * columns;
    const softmax_pair all = pair_of_row(row, columns / 8);
    if (threadIdx.x != 0) return;
    losses[blockIdx.x] = (all.top + log2f(all.sum)) * 0.693147181f - low_bf16(row[targets[blockIdx.x]]);
}

// One block a row, which it reads twice, the second time from the row's end on: what it read last is still in L2. dims:
// rows, columns (a multiple of 8).
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
softmax_twice(const unsigned short *x, unsigned short *y, const long long *dims)
{
    const index_t columns = (index_t)dims[1], chunks = columns / 8, part = CHUNKS * THREADS;
    const unsigned short *const row = x + (long long)blockIdx.x * columns;
    const softmax_pair all = pair_of_row(row, chunks);
    unsigned r[CHUNKS][4], next[CHUNKS][4];
    index_t first = (chunks - 1) / part * part + (index_t)threadIdx.x;
    load_part(next, row, first, THREADS, chunks);
#pragma unroll 1
    for (; first >= 0; first -= part) {
#pragma unroll
        for (int i = 0; i < CHUNKS * 4; i++) (&r[0][0])[i] = (&next[0][0])[i];
        if (first >= part) load_part(next, row, first - part, THREADS, chunks);
        store_part(y + (long long)blockIdx.x * columns, r, first, THREADS, chunks, all);
    }
}

// Over the blocks of the cluster; two words at word `at` of each block's memory.
static __device__ __forceinline__ softmax_pair pair_over_cluster(softmax_pair pair, unsigned at)
{
    if (CLUSTER == 1) return pair;
    if (threadIdx.x == 0) {
        ((float *)shared_memory())[at] = pair.top;
        ((float *)shared_memory())[at + 1] = pair.sum;
    }
    cluster_arrive();
    cluster_wait();
    const unsigned rank = (threadIdx.x & 31) % CLUSTER;
    const softmax_pair other = {load_of_cluster(at * 4, rank), load_of_cluster(at * 4 + 4, rank)};
    return tuple_over_lanes<softmax_pair, CLUSTER>(other);
}

// A cluster of blocks a row of up to 8 CLUSTER THREADS CHUNKS elements, which stay in registers. dims: rows, columns (a
// multiple of 8).
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) __cluster_dims__(CLUSTER, 1, 1)
softmax_cluster(const unsigned short *x, unsigned short *y, const long long *dims)
{
    const index_t columns = (index_t)dims[1], chunks = columns / 8;
    const unsigned rank = blockIdx.x % CLUSTER;
    const long long row = blockIdx.x / CLUSTER;
    const index_t first = (index_t)(rank * THREADS + threadIdx.x);
    softmax_pair pair = {-INFINITY, 0};
    unsigned r[CHUNKS][4];
    load_part(r, x + row * columns, first, CLUSTER * THREADS, chunks);
    pair_add(pair, r);
    pair = pair_over_cluster(tuple_over_group<softmax_pair, THREADS>(pair, 0), 64);
    if (CLUSTER > 1) cluster_arrive(); // this block's reads of the others' memory are done
    store_part(y + row * columns, r, first, CLUSTER * THREADS, chunks, pair);
    if (CLUSTER > 1) cluster_wait(); // nobody leaves while others read
}

static __device__ __forceinline__ unsigned chunk_place(int i)
{
    return ((unsigned)i * THREADS + threadIdx.x) * 16;
}

static __device__ __forceinline__ void fetch_chunk(const unsigned short *x, index_t row, index_t rows, index_t columns,
                                                   int i)
{
    const index_t chunk = (index_t)(blockIdx.x % CLUSTER * THREADS + threadIdx.x) + i * (CLUSTER * THREADS);
    if (row < rows && chunk * 8 < columns) copy_async(chunk_place(i), x + (long long)row * columns + chunk * 8, 16);
    copy_async_commit();
}

template <int i> static __device__ __forceinline__ void add_chunks(softmax_pair &pair, index_t first, index_t chunks)
{
    copy_async_wait<CHUNKS - 1 - i>();
    unsigned r[4];
    load_tile(r, chunk_place(i));
    if (first + i * (CLUSTER * THREADS) < chunks) {
        float top = -INFINITY, sum = 0;
#pragma unroll
        for (int e = 0; e < 8; e++) top = larger(top, element_of(r, e));
        top = larger(pair.top, top * log2_e);
        const float base = top == -INFINITY ? 0 : top;
#pragma unroll
        for (int e = 0; e < 8; e++) sum += exp2_quick(fmaf(element_of(r, e), log2_e, -base));
        pair = {top, fmaf(pair.sum, exp2_quick(pair.top - base), sum)};
    }
    if constexpr (i + 1 < CHUNKS) add_chunks<i + 1>(pair, first, chunks);
}

// As softmax_cluster, with the row in shared memory, and clusters that take rows cluster, cluster + clusters ...: as soon
// as a chunk's result is stored, the next row's chunk is on its way to the same place. Each chunk of a thread is a group of
// copies of its own, so that maxima and sums begin with the first that arrives. Shared memory: the chunks, then two times
// 128 words. dims: rows, columns (a multiple of 8), clusters.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) __cluster_dims__(CLUSTER, 1, 1)
softmax_tile(const unsigned short *x, unsigned short *y, const long long *dims)
{
    const index_t rows = (index_t)dims[0], columns = (index_t)dims[1], clusters = (index_t)dims[2];
    const index_t chunks = columns / 8;
    const index_t first = (index_t)(blockIdx.x % CLUSTER * THREADS + threadIdx.x);
    unsigned slots = CHUNKS * THREADS * 4;
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) fetch_chunk(x, (index_t)(blockIdx.x / CLUSTER), rows, columns, i);
#pragma unroll 1
    for (index_t row = (index_t)(blockIdx.x / CLUSTER); row < rows; row += clusters, slots ^= 128) {
        softmax_pair pair = {-INFINITY, 0};
        add_chunks<0>(pair, first, chunks);
        pair = pair_over_cluster(tuple_over_group<softmax_pair, THREADS>(pair, slots), slots + 64);
        const float factor = reciprocal_quick(pair.sum);
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            unsigned r[4], out[4];
            load_tile(r, chunk_place(i));
#pragma unroll
            for (int e = 0; e < 4; e++)
                out[e] = pack_bf16(exp2_quick(fmaf(low_bf16(r[e]), log2_e, -pair.top)) * factor,
                                   exp2_quick(fmaf(high_bf16(r[e]), log2_e, -pair.top)) * factor);
            const index_t chunk = first + i * (CLUSTER * THREADS);
            if (chunk < chunks) store_once(y + (long long)row * columns + chunk * 8, out);
            fetch_chunk(x, row + clusters, rows, columns, i);
        }
    }
    copy_async_wait<0>();
    if (CLUSTER > 1) {
        cluster_arrive();
        cluster_wait(); // nobody leaves while others read
    }
}
