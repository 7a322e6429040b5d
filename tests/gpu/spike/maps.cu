/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// Element by element, in bf16 with f32 between: what is read and written once. Chunks of 8 elements (16 bytes). A block of
// threads takes THREADS * CHUNKS chunks that follow each other, a thread each THREADS-th of them; all its loads stand
// before the first use. Constants come from a row of maps.def:
//   THREADS  of a block
//   CHUNKS   16-byte loads of each operand that a thread has on their way
//   IS_ONCE  operands pass L1 by and results leave L2 first
//   QUICK_ERF  erf by one exponential and one reciprocal, off by 2e-7, instead of erff
//   BLOCKS   that shall fit into a multiprocessor
static __device__ __forceinline__ void load_operand(unsigned *r, const unsigned short *x, index_t chunk)
{
    if (IS_ONCE) load_once(r, x + (long long)chunk * 8);
    else load_kept(r, x + (long long)chunk * 8);
}

static __device__ __forceinline__ void store_result(unsigned short *y, index_t chunk, const unsigned *r)
{
    if (IS_ONCE) store_once(y + (long long)chunk * 8, r);
    else store_kept(y + (long long)chunk * 8, r);
}

// Abramowitz and Stegun 7.1.26.
static __device__ __forceinline__ float erf_of(float x)
{
    if (!QUICK_ERF) return erff(x);
    const float size = fabsf(x), t = reciprocal_quick(fmaf(0.3275911f, size, 1.0f));
    float p = fmaf(1.061405429f, t, -1.453152027f);
    p = fmaf(p, t, 1.421413741f);
    p = fmaf(p, t, -0.284496736f);
    p = fmaf(p, t, 0.254829592f) * t;
    return copysignf(fmaf(-p, exp2_quick(-log2_e * size * size), 1.0f), x);
}

static __device__ __forceinline__ float sigmoid_of(float x)
{
    return reciprocal_quick(1.0f + exp2_quick(-log2_e * x));
}

// y = x. dims: chunks.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
copy(const unsigned short *x, unsigned short *y, const long long *dims)
{
    const index_t n = (index_t)dims[0], first = (index_t)(blockIdx.x * (THREADS * CHUNKS) + threadIdx.x);
    unsigned r[CHUNKS][4];
#pragma unroll
    for (int i = 0; i < CHUNKS; i++)
        if (first + i * THREADS < n) load_operand(r[i], x, first + i * THREADS);
#pragma unroll
    for (int i = 0; i < CHUNKS; i++)
        if (first + i * THREADS < n) store_result(y, first + i * THREADS, r[i]);
}

// y = gelu(x + bias) * sigmoid(z); x, z, y [rows, columns], bias [columns]. dims: chunks, chunks of a row.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
gelu_chain(const unsigned short *x, const unsigned short *bias, const unsigned short *z, unsigned short *y,
           const long long *dims)
{
    const index_t n = (index_t)dims[0], row = (index_t)dims[1];
    const index_t first = (index_t)(blockIdx.x * (THREADS * CHUNKS) + threadIdx.x);
    unsigned xs[CHUNKS][4], zs[CHUNKS][4], biases[CHUNKS][4];
    index_t column = (index_t)((unsigned)first % (unsigned)row);
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) {
        if (first + i * THREADS < n) {
            load_operand(xs[i], x, first + i * THREADS);
            load_operand(zs[i], z, first + i * THREADS);
            load_kept(biases[i], bias + column * 8);
        }
        column += THREADS;
        if (column >= row) column = (index_t)((unsigned)column % (unsigned)row);
    }
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) {
        if (first + i * THREADS >= n) break;
        unsigned r[4];
#pragma unroll
        for (int e = 0; e < 4; e++) {
            float v[2];
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const float u = element_of(xs[i], 2 * e + half) + element_of(biases[i], 2 * e + half);
                v[half] = 0.5f * u * (1.0f + erf_of(u * 0.707106781f)) * sigmoid_of(element_of(zs[i], 2 * e + half));
            }
            r[e] = pack_bf16(v[0], v[1]);
        }
        store_result(y, first + i * THREADS, r);
    }
}

// y = a * sigmoid(a) * b. dims: chunks.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
silu_gate(const unsigned short *a, const unsigned short *b, unsigned short *y, const long long *dims)
{
    const index_t n = (index_t)dims[0], first = (index_t)(blockIdx.x * (THREADS * CHUNKS) + threadIdx.x);
    unsigned as[CHUNKS][4], bs[CHUNKS][4];
#pragma unroll
    for (int i = 0; i < CHUNKS; i++)
        if (first + i * THREADS < n) {
            load_operand(as[i], a, first + i * THREADS);
            load_operand(bs[i], b, first + i * THREADS);
        }
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) {
        if (first + i * THREADS >= n) break;
        unsigned r[4];
#pragma unroll
        for (int e = 0; e < 4; e++) {
            float v[2];
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const float u = element_of(as[i], 2 * e + half);
                v[half] = u * sigmoid_of(u) * element_of(bs[i], 2 * e + half);
            }
            r[e] = pack_bf16(v[0], v[1]);
        }
        store_result(y, first + i * THREADS, r);
    }
}

// Rotary embedding, halves apart: y[p, h, d] = x[p, h, d] cos[p, d] - x[p, h, d + D / 2] sin[p, d] for d < D / 2, and
// x[p, h, d] cos[p, d - D / 2] + x[p, h, d - D / 2] sin[p, d - D / 2] behind; cos and sin [positions, D / 2] in f32.
// A thread has one position and 8 d, whose factors it reads once, and CHUNKS / 2 heads (at least one). dims: heads,
// chunks of D / 2, blocks of one position.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
rope(const unsigned short *x, const float *cosines, const float *sines, unsigned short *y, const long long *dims)
{
    enum { HEADS = CHUNKS > 1 ? CHUNKS / 2 : 1 };
    const unsigned heads = (unsigned)dims[0], half = (unsigned)dims[1], parts = (unsigned)dims[2];
    const unsigned position = blockIdx.x / parts, at = blockIdx.x % parts * THREADS + threadIdx.x;
    const unsigned chunk = at % half, head = at / half * HEADS;
    if (head >= heads) return;
    const long long base = ((long long)position * heads * 2 * half + chunk) * 8;
    unsigned lo[HEADS][4], hi[HEADS][4], cos_sin[4][4];
#pragma unroll
    for (int i = 0; i < HEADS; i++)
        if (head + i < heads) {
            load_operand(lo[i], x + base, (index_t)((head + i) * 2 * half));
            load_operand(hi[i], x + base, (index_t)((head + i) * 2 * half + half));
        }
#pragma unroll
    for (int i = 0; i < 2; i++) {
        load_kept(cos_sin[i], cosines + ((long long)position * half + chunk) * 8 + i * 4);
        load_kept(cos_sin[2 + i], sines + ((long long)position * half + chunk) * 8 + i * 4);
    }
#pragma unroll
    for (int i = 0; i < HEADS; i++) {
        if (head + i >= heads) break;
        unsigned out[2][4];
#pragma unroll
        for (int e = 0; e < 4; e++) {
            float v[2][2];
#pragma unroll
            for (int k = 0; k < 2; k++) {
                const float a = element_of(lo[i], 2 * e + k), b = element_of(hi[i], 2 * e + k);
                const float c = __uint_as_float((&cos_sin[0][0])[2 * e + k]);
                const float s = __uint_as_float((&cos_sin[2][0])[2 * e + k]);
                v[0][k] = fmaf(a, c, -(b * s));
                v[1][k] = fmaf(b, c, a * s);
            }
            out[0][e] = pack_bf16(v[0][0], v[0][1]);
            out[1][e] = pack_bf16(v[1][0], v[1][1]);
        }
        store_result(y + base, (index_t)((head + i) * 2 * half), out[0]);
        store_result(y + base, (index_t)((head + i) * 2 * half + half), out[1]);
    }
}
