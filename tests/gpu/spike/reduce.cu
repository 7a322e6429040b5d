/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// Reductions over the threads that share a row, and operands in chunks of 16 bytes: what the kernels of rows behind it use.
typedef int index_t; // every index is below 2^31
static const float log2_e = 1.44269504f;

static __device__ __forceinline__ index_t smaller(index_t x, index_t y)
{
    return x < y ? x : y;
}

static __device__ __forceinline__ float larger(float x, float y)
{
    return x > y ? x : y;
}

struct sum_of {
    static __device__ __forceinline__ float of(float x, float y)
    {
        return x + y;
    }
};

struct largest_of {
    static __device__ __forceinline__ float of(float x, float y)
    {
        return larger(x, y);
    }
};

// Over n neighbouring lanes; each has the result.
template <class op, int n> static __device__ __forceinline__ float over_lanes(float x)
{
#pragma unroll
    for (int distance = n / 2; distance > 0; distance /= 2)
        x = op::of(x, __shfl_xor_sync(0xffffffffu, x, distance));
    return x;
}

// Over GROUP neighbouring threads; each has the result. Warps meet at words of shared memory from `slots` on, one a warp
// of the block; the next reduction but one may use them again, as a barrier lies between.
template <class op, int GROUP> static __device__ __forceinline__ float over_group(float x, unsigned slots)
{
    x = over_lanes<op, 32>(x);
    if (GROUP > 32) {
        enum { WARPS = GROUP > 32 ? GROUP / 32 : 1 };
        float *const words = (float *)shared_memory() + slots;
        const unsigned lane = threadIdx.x & 31, warp = threadIdx.x / 32;
        if (lane == 0) words[warp] = x;
        __syncthreads();
        x = over_lanes<op, WARPS>(words[warp / WARPS * WARPS + lane % WARPS]);
    }
    return x;
}

// Elements 2 i and 2 i + 1 of a chunk.
static __device__ __forceinline__ float element_of(const unsigned *words, int i)
{
    return i % 2 ? high_bf16(words[i / 2]) : low_bf16(words[i / 2]);
}

// A chunk at number `chunk` of a row of `n`; behind the row, `fill` twice a word.
template <bool IS_KEPT>
static __device__ __forceinline__ void load_chunk(unsigned *r, const unsigned short *row, index_t chunk, index_t n,
                                                  unsigned fill)
{
    r[0] = r[1] = r[2] = r[3] = fill;
    if (chunk >= n) return;
    if (IS_KEPT) load_kept(r, row + chunk * 8);
    else load_once(r, row + chunk * 8);
}

// A tuple of up to four f32 that op combines by `of`, over n neighbouring lanes.
template <class op, int n> static __device__ __forceinline__ op tuple_over_lanes(op x)
{
#pragma unroll
    for (int distance = n / 2; distance > 0; distance /= 2) {
        op other;
#pragma unroll
        for (unsigned i = 0; i < sizeof(op) / 4; i++)
            ((float *)&other)[i] = __shfl_xor_sync(0xffffffffu, ((const float *)&x)[i], distance);
        x = (threadIdx.x & (unsigned)distance) ? op::of(other, x) : op::of(x, other); // the same order in all lanes
    }
    return x;
}

// Over GROUP neighbouring threads, with one barrier; 32 words a member of the tuple from `slots` on.
template <class op, int GROUP> static __device__ __forceinline__ op tuple_over_group(op x, unsigned slots)
{
    x = tuple_over_lanes<op, 32>(x);
    if (GROUP > 32) {
        enum { WARPS = GROUP > 32 ? GROUP / 32 : 1 };
        float *const words = (float *)shared_memory() + slots;
        const unsigned lane = threadIdx.x & 31, warp = threadIdx.x / 32;
        if (lane == 0)
#pragma unroll
            for (unsigned i = 0; i < sizeof(op) / 4; i++) words[32 * i + warp] = ((const float *)&x)[i];
        __syncthreads();
#pragma unroll
        for (unsigned i = 0; i < sizeof(op) / 4; i++)
            ((float *)&x)[i] = words[32 * i + warp / WARPS * WARPS + lane % WARPS];
        x = tuple_over_lanes<op, WARPS>(x);
    }
    return x;
}

// Exponentials below a maximum, and their sum; both in base 2.
struct softmax_pair {
    float top, sum;
    static __device__ __forceinline__ softmax_pair of(softmax_pair a, softmax_pair b)
    {
        const float top = larger(a.top, b.top), base = top == -INFINITY ? 0 : top;
        return {top, fmaf(a.sum, exp2_quick(a.top - base), b.sum * exp2_quick(b.top - base))};
    }
};

struct two_sums {
    float x, y;
    static __device__ __forceinline__ two_sums of(two_sums a, two_sums b)
    {
        return {a.x + b.x, a.y + b.y};
    }
};

// 16 bytes of shared memory.
static __device__ __forceinline__ void load_tile(unsigned *r, unsigned at)
{
    const ulonglong2 x = *(const ulonglong2 *)(shared_memory() + at);
    r[0] = (unsigned)x.x, r[1] = (unsigned)(x.x >> 32), r[2] = (unsigned)x.y, r[3] = (unsigned)(x.y >> 32);
}
