/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// What attention.cu and attention_decode.cu share: one warp, ROWS * 16 queries against KEYS keys of head dim D that stand
// in shared memory. Tiles are rows of D elements whose chunk c of 16 bytes stands at c XOR row mod 8.
//   s = q k^T       q: mma_a; k: mma_b by ldmatrix, rows of k are columns of the product; s: mma_c
//   online softmax  s in base 2; a row lies in 4 lanes
//   o += p v        p: two neighbouring mma_c of s, packed to bf16, are one mma_a; v: mma_b by the transposed ldmatrix
enum { D_CHUNKS = D / 8, D_STEPS = D / 16, K_TILES = KEYS / 8, V_TILES = D / 8, TILE_BYTES = KEYS * D * 2 };
static_assert(D % 64 == 0 && KEYS % 16 == 0, "rows of 8 chunks or more, pairs of mma");

// A chain of key tiles: weighted sums of v, maxima of the scaled scores in base 2, and sums of exponentials below them.
// Register r of o and entry r / 2 of the others belong to query 16 i + g + 8 (r / 2) of the warp. Each lane has its own
// part of a sum until chain_finish. A maximum that stays gives the factor 1, exactly.
struct chain {
    float o[ROWS][V_TILES][4], top[ROWS][2], sum[ROWS][2];
};

static __device__ __forceinline__ void chain_begin(chain &c)
{
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
#pragma unroll
        for (int j = 0; j < V_TILES * 4; j++) (&c.o[i][0][0])[j] = 0;
        c.top[i][0] = c.top[i][1] = -INFINITY;
        c.sum[i][0] = c.sum[i][1] = 0;
    }
}

static __device__ __forceinline__ void chain_finish(chain &c)
{
#pragma unroll
    for (int i = 0; i < ROWS * 2; i++) c.sum[i / 2][i % 2] = over_lanes<sum_of, 4>(c.sum[i / 2][i % 2]);
}

// Offset of a chunk in a tile.
static __device__ __forceinline__ unsigned place_of(unsigned row, unsigned chunk)
{
    return (row * D_CHUNKS + (chunk ^ (row & 7))) * 16;
}

// The lane's addresses in tiles of q (its own rows), of k and of v.
static __device__ __forceinline__ unsigned lane_of_rows()
{
    return place_of(threadIdx.x & 15, threadIdx.x >> 4 & 1);
}

static __device__ __forceinline__ unsigned lane_of_columns()
{
    return place_of((threadIdx.x & 7) + (threadIdx.x >> 4 & 1) * 8, threadIdx.x >> 3 & 1);
}

// s[16 ROWS, KEYS] = q k^T. q: in registers, or in shared memory at q_at.
template <bool IS_IN_REGISTERS>
static __device__ __forceinline__ void scores_of(float (&s)[ROWS][K_TILES][4], const unsigned (*q)[ROWS][4],
                                                 unsigned q_at, unsigned k_at)
{
    const unsigned rows = lane_of_rows(), columns = lane_of_columns();
#pragma unroll
    for (int i = 0; i < ROWS * K_TILES * 4; i++) (&s[0][0][0])[i] = 0;
    unsigned a[2][ROWS][4], b[2][4];
    if (!IS_IN_REGISTERS)
#pragma unroll
        for (int i = 0; i < ROWS; i++) load_matrices(a[0][i], q_at + rows + (unsigned)(i * 16 * D_CHUNKS * 16));
    load_matrices(b[0], k_at + columns);
#pragma unroll
    for (int n = 0; n < D_STEPS * K_TILES / 2; n++) {
        const int step = n / (K_TILES / 2), j = n % (K_TILES / 2), next = n + 1;
        if (next < D_STEPS * K_TILES / 2)
            load_matrices(b[next % 2], k_at + (columns ^ (unsigned)(next / (K_TILES / 2) * 32)) +
                                           (unsigned)(next % (K_TILES / 2) * 16 * D_CHUNKS * 16));
        if (!IS_IN_REGISTERS && j == 0 && step + 1 < D_STEPS)
#pragma unroll
            for (int i = 0; i < ROWS; i++)
                load_matrices(a[(step + 1) % 2][i],
                              q_at + (rows ^ (unsigned)((step + 1) * 32)) + (unsigned)(i * 16 * D_CHUNKS * 16));
#pragma unroll
        for (int i = 0; i < ROWS; i++)
#pragma unroll
            for (int half = 0; half < 2; half++)
                mma_bf16(s[i][2 * j + half], IS_IN_REGISTERS ? q[step][i] : a[step % 2][i], &b[n % 2][half * 2]);
    }
}

// s becomes exponentials, and what the chain has so far is scaled to the new maxima. factor: log2(e) times attention's.
static __device__ __forceinline__ void chain_weigh(chain &c, float (&s)[ROWS][K_TILES][4], float factor)
{
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float top = -INFINITY, sum = 0;
#pragma unroll
            for (int j = 0; j < K_TILES; j++) top = larger(top, larger(s[i][j][half * 2], s[i][j][half * 2 + 1]));
            top = larger(c.top[i][half], over_lanes<largest_of, 4>(top) * factor);
            const float base = top == -INFINITY ? 0 : top, shrink = exp2_quick(c.top[i][half] - base);
            c.top[i][half] = top;
#pragma unroll
            for (int j = 0; j < K_TILES; j++)
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    float &x = s[i][j][half * 2 + e];
                    x = exp2_quick(fmaf(x, factor, -base));
                    sum += x;
                }
            c.sum[i][half] = fmaf(c.sum[i][half], shrink, sum);
#pragma unroll
            for (int j = 0; j < V_TILES; j++) c.o[i][j][half * 2] *= shrink, c.o[i][j][half * 2 + 1] *= shrink;
        }
}

// o += p v, with p from s.
static __device__ __forceinline__ void chain_add(chain &c, const float (&s)[ROWS][K_TILES][4], unsigned v_at)
{
    const unsigned rows = lane_of_rows();
    unsigned p[ROWS][4], b[2][4];
    load_matrices_turned(b[0], v_at + rows);
#pragma unroll
    for (int n = 0; n < KEYS / 16 * V_TILES / 2; n++) {
        const int step = n / (V_TILES / 2), j = n % (V_TILES / 2), next = n + 1;
        if (next < KEYS / 16 * V_TILES / 2)
            load_matrices_turned(b[next % 2], v_at + (rows ^ (unsigned)(next % (V_TILES / 2) * 32)) +
                                                  (unsigned)(next / (V_TILES / 2) * 16 * D_CHUNKS * 16));
        if (j == 0)
#pragma unroll
            for (int r = 0; r < ROWS * 4; r++) {
                const float *const of = &s[r / 4][2 * step + r % 4 / 2][r % 2 * 2];
                p[r / 4][r % 4] = pack_bf16(of[0], of[1]);
            }
#pragma unroll
        for (int i = 0; i < ROWS; i++)
#pragma unroll
            for (int half = 0; half < 2; half++) mma_bf16(c.o[i][2 * j + half], p[i], &b[n % 2][half * 2]);
    }
}

// What the earlier chains' and the next chain's sums are to be multiplied by; top becomes the maximum of both.
static __device__ __forceinline__ void factors_of_both(float &top, float next, float &out_old, float &out_next)
{
    const float old = top, base = larger(old, next) == -INFINITY ? 0 : larger(old, next);
    top = larger(old, next);
    out_old = exp2_quick(old - base);
    out_next = exp2_quick(next - base);
}
