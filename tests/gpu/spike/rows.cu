/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// Softmax and norms over rows of bf16 that a block holds: each element is read once and written once. Constants come from
// a row of rows.def:
//   GROUP   threads that share a row, a power of two from 32 on
//   ROWS    rows of a block at a time, GROUP threads each
//   CHUNKS  of 8 elements (16 bytes) that a thread has: rows of up to 8 GROUP CHUNKS elements
//   STAGES  0: a row lies in registers; otherwise in shared memory, the next STAGES - 1 rows of the group on their way;
//           1: the next row's chunk is on its way to the place of this row's as soon as that is read for the last time
//   IS_TUPLE   what a row is reduced to meets once, as a tuple; otherwise one number after the other, with a barrier each
//   IS_PACKED  in registers a row stays as words of two bf16, which each pass unpacks (softmax: and exponentiates)
//   BLOCKS  that shall fit into a multiprocessor
// A block takes rows ROWS * block, ROWS * (block + blocks) ...: as many blocks as rows make it one iteration. Element
// 8 (i GROUP + thread) + e of a row is element e of chunk i of a thread. A thread reads only those chunks in shared memory
// that it copied there, so that its own wait suffices.
// Shared memory: STAGES times the row's operands, then 256 words for reductions.
// dims: rows, columns (a multiple of 8), blocks.
enum { THREADS = GROUP * ROWS, ROW_BYTES = THREADS * CHUNKS * 16 };
static_assert(!IS_PACKED || STAGES == 0, "packed rows are those of registers");

struct rows_at {
    index_t row, step, rows, columns, chunks; // row: of this group, may lie behind the last
    unsigned thread;                          // of the group
};

static __device__ __forceinline__ rows_at rows_begin(const long long *dims)
{
    const index_t columns = (index_t)dims[1];
    return {(index_t)(blockIdx.x * ROWS + threadIdx.x / GROUP), (index_t)dims[2] * ROWS, (index_t)dims[0], columns,
            columns / 8, threadIdx.x % GROUP};
}

// Whether any group of the block has a row.
static __device__ __forceinline__ bool rows_are_left(const rows_at &at)
{
    return at.row - (index_t)(threadIdx.x / GROUP) < at.rows;
}

// N operands of one row.
template <int N> struct row_of {
    unsigned r[N][STAGES ? 1 : CHUNKS][4];
    unsigned stage; // where they lie in shared memory
};

static __device__ __forceinline__ unsigned place_of(unsigned stage, int operand, int i)
{
    return stage + (unsigned)operand * ROW_BYTES + ((unsigned)i * THREADS + threadIdx.x) * 16;
}

template <int N>
static __device__ __forceinline__ void begin_row(row_of<N> &row, unsigned stage, const unsigned short *const (&from)[N],
                                                 const rows_at &at, index_t number)
{
#pragma unroll
    for (int operand = 0; operand < N; operand++)
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            const index_t chunk = (index_t)at.thread + i * GROUP, n = number < at.rows ? at.chunks : 0;
            const unsigned short *const start = from[operand] + (long long)number * at.columns;
            if (!STAGES) load_chunk<false>(row.r[operand][STAGES ? 0 : i], start, chunk, n, 0);
            else if (chunk < n) copy_async(place_of(stage, operand, i), start + chunk * 8, 16);
        }
    if (STAGES) copy_async_commit();
}

// The rows that are on their way at the start.
template <int N>
static __device__ __forceinline__ void begin_rows(row_of<N> &row, const unsigned short *const (&from)[N],
                                                  const rows_at &at)
{
    row.stage = 0;
    if (STAGES < 2) begin_row(row, 0, from, at, at.row);
#pragma unroll
    for (int s = 0; s < STAGES - 1; s++)
        begin_row(row, (unsigned)s * N * ROW_BYTES, from, at, at.row + s * at.step);
}

// The row that this iteration works on is there; its stage's predecessor, which the thread has read, is filled anew.
template <int N>
static __device__ __forceinline__ void await_row(row_of<N> &row, const unsigned short *const (&from)[N],
                                                 const rows_at &at)
{
    if (STAGES > 1)
        begin_row(row, row.stage == 0 ? (STAGES - 1) * N * ROW_BYTES : row.stage - N * ROW_BYTES, from, at,
                  at.row + (STAGES - 1) * at.step);
    if (STAGES) copy_async_wait<STAGES ? STAGES - 1 : 0>();
}

template <int N>
static __device__ __forceinline__ void next_row(row_of<N> &row, const unsigned short *const (&from)[N],
                                                const rows_at &at)
{
    if (!STAGES) begin_row(row, 0, from, at, at.row + at.step);
    if (STAGES == 1) copy_async_commit();
    if (STAGES > 1) row.stage = row.stage == (STAGES - 1) * N * ROW_BYTES ? 0 : row.stage + N * ROW_BYTES;
}

// Zero, which the compiler does not know: a grid has one dim.
static __device__ __forceinline__ unsigned unknown_zero(int pass)
{
    return pass == 0 ? 0 : pass == 1 ? blockIdx.y : blockIdx.z;
}

// Chunk i of an operand for pass 0, 1 or 2 over the row; behind the row, `fill` twice a word.
template <int N>
static __device__ __forceinline__ void chunk_of(unsigned (&out)[4], const row_of<N> &row, int operand, int i, int pass,
                                                const rows_at &at, unsigned fill)
{
    const bool is_inside = (index_t)at.thread + i * GROUP < at.chunks;
    const unsigned zero = IS_PACKED ? unknown_zero(pass) : 0; // or the compiler would keep what it unpacked before
    if (STAGES) load_tile(out, place_of(row.stage, operand, i));
#pragma unroll
    for (int e = 0; e < 4; e++) out[e] = !is_inside ? fill : STAGES ? out[e] : row.r[operand][STAGES ? 0 : i][e] ^ zero;
}

// Chunk i of the operands has been read for the last time.
template <int N>
static __device__ __forceinline__ void renew_chunk(const unsigned short *const (&from)[N], const rows_at &at, int i)
{
    const index_t chunk = (index_t)at.thread + i * GROUP;
    if (STAGES == 1 && at.row + at.step < at.rows && chunk < at.chunks)
#pragma unroll
        for (int operand = 0; operand < N; operand++)
            copy_async(place_of(0, operand, i),
                       from[operand] + (long long)(at.row + at.step) * at.columns + chunk * 8, 16);
}

static __device__ __forceinline__ void store_row_chunk(unsigned short *y, const rows_at &at, int i, const unsigned *r)
{
    const index_t chunk = (index_t)at.thread + i * GROUP;
    if (at.row < at.rows && chunk < at.chunks) store_once(y + (long long)at.row * at.columns + chunk * 8, r);
}

// Words for reductions, behind one operand's stages: two times as many as a tuple of three takes.
enum { SLOTS = STAGES * ROW_BYTES / 4, MEETING_WORDS = 128 };

// Mean of n numbers and the sum of their squared distances from it, which two parts combine without cancellation.
struct moments {
    float n, mean, squares;
    static __device__ __forceinline__ moments of(moments a, moments b)
    {
        const float n = a.n + b.n, share = n > 0 ? b.n * reciprocal_quick(n) : 0, d = b.mean - a.mean;
        return {n, fmaf(d, share, a.mean), fmaf(d * d, a.n * share, a.squares + b.squares)};
    }
};

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
softmax(const unsigned short *x, unsigned short *y, const long long *dims)
{
    const unsigned fill = 0xff80ff80u; // -infinity
    const unsigned short *const from[1] = {x};
    rows_at at = rows_begin(dims);
    row_of<1> row;
    begin_rows(row, from, at);
#pragma unroll 1
    for (unsigned slots = SLOTS; rows_are_left(at); at.row += at.step, slots ^= MEETING_WORDS) {
        await_row(row, from, at);
        float top = -INFINITY, sum = 0, v[CHUNKS][8];
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            unsigned r[4];
            chunk_of(r, row, 0, i, 0, at, fill);
#pragma unroll
            for (int e = 0; e < 8; e++) top = larger(top, element_of(r, e));
        }
        top *= log2_e;
        if (!IS_TUPLE) top = over_group<largest_of, GROUP>(top, slots);
        const float base = top == -INFINITY ? 0 : top;
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            unsigned r[4];
            chunk_of(r, row, 0, i, 1, at, fill);
            renew_chunk(from, at, i);
#pragma unroll
            for (int e = 0; e < 8; e++) sum += v[i][e] = exp2_quick(fmaf(element_of(r, e), log2_e, -base));
        }
        softmax_pair all = {top, sum};
        if (IS_TUPLE) all = tuple_over_group<softmax_pair, GROUP>(all, slots);
        else all.sum = over_group<sum_of, GROUP>(sum, slots + 32);
        const float factor = exp2_quick(top - all.top) * reciprocal_quick(all.sum);
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            unsigned r[4], out[4];
            if (IS_PACKED) {
                chunk_of(r, row, 0, i, 2, at, fill);
#pragma unroll
                for (int e = 0; e < 8; e++) v[i][e] = exp2_quick(fmaf(element_of(r, e), log2_e, -base));
            }
#pragma unroll
            for (int e = 0; e < 4; e++) out[e] = pack_bf16(v[i][2 * e] * factor, v[i][2 * e + 1] * factor);
            store_row_chunk(y, at, i, out);
        }
        next_row(row, from, at);
    }
}

// y = (x - mean) / sqrt(variance + epsilon) * weight + bias.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
layer_norm(const unsigned short *x, const unsigned short *weight, const unsigned short *bias, unsigned short *y,
           const float *epsilon, const long long *dims)
{
    const unsigned short *const from[1] = {x};
    rows_at at = rows_begin(dims);
    const float share = 1.0f / (float)at.columns;
    row_of<1> row;
    begin_rows(row, from, at);
#pragma unroll 1
    for (unsigned slots = SLOTS; rows_are_left(at); at.row += at.step, slots ^= MEETING_WORDS) {
        await_row(row, from, at);
        float sum = 0, squares = 0, n = 0;
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            unsigned r[4];
            chunk_of(r, row, 0, i, 0, at, 0);
#pragma unroll
            for (int e = 0; e < 8; e++) sum += element_of(r, e);
            n += (index_t)at.thread + i * GROUP < at.chunks ? 8 : 0;
        }
        const float center = !IS_TUPLE ? over_group<sum_of, GROUP>(sum, slots) * share
                             : n > 0   ? sum * reciprocal_quick(n)
                                       : 0;
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            unsigned r[4];
            chunk_of(r, row, 0, i, 1, at, 0);
            float part = 0;
#pragma unroll
            for (int e = 0; e < 8; e++) part = fmaf(element_of(r, e) - center, element_of(r, e) - center, part);
            squares += (index_t)at.thread + i * GROUP < at.chunks ? part : 0;
        }
        moments all = {n, center, squares};
        if (IS_TUPLE) all = tuple_over_group<moments, GROUP>(all, slots);
        else all.squares = over_group<sum_of, GROUP>(squares, slots + 32);
        const float mean = all.mean, scale = rsqrtf(fmaf(all.squares, share, *epsilon));
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            unsigned r[4], w[4], b[4];
            chunk_of(r, row, 0, i, 2, at, 0);
            renew_chunk(from, at, i);
            load_chunk<true>(w, weight, (index_t)at.thread + i * GROUP, at.chunks, 0);
            load_chunk<true>(b, bias, (index_t)at.thread + i * GROUP, at.chunks, 0);
#pragma unroll
            for (int e = 0; e < 4; e++)
                r[e] = pack_bf16(fmaf((low_bf16(r[e]) - mean) * scale, low_bf16(w[e]), low_bf16(b[e])),
                                 fmaf((high_bf16(r[e]) - mean) * scale, high_bf16(w[e]), high_bf16(b[e])));
            store_row_chunk(y, at, i, r);
        }
        next_row(row, from, at);
    }
}

// sum = x + residual, in bf16; y = sum / sqrt(mean of sum^2 + epsilon) * weight.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
residual_rms_norm(const unsigned short *x, const unsigned short *residual, const unsigned short *weight,
                  unsigned short *sum, unsigned short *y, const float *epsilon, const long long *dims)
{
    const unsigned short *const from[2] = {x, residual};
    rows_at at = rows_begin(dims);
    const float share = 1.0f / (float)at.columns;
    row_of<2> row;
    begin_rows(row, from, at);
#pragma unroll 1
    for (unsigned slots = 2 * SLOTS; rows_are_left(at); at.row += at.step, slots ^= MEETING_WORDS) {
        await_row(row, from, at);
        float squares = 0;
        unsigned both[CHUNKS][4];
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            unsigned u[4], v[4];
            chunk_of(u, row, 0, i, 0, at, 0);
            chunk_of(v, row, 1, i, 0, at, 0);
            renew_chunk(from, at, i);
#pragma unroll
            for (int e = 0; e < 4; e++) {
                both[i][e] = pack_bf16(low_bf16(u[e]) + low_bf16(v[e]), high_bf16(u[e]) + high_bf16(v[e]));
                squares = fmaf(low_bf16(both[i][e]), low_bf16(both[i][e]), squares);
                squares = fmaf(high_bf16(both[i][e]), high_bf16(both[i][e]), squares);
            }
            store_row_chunk(sum, at, i, both[i]);
        }
        const float scale = rsqrtf(fmaf(over_group<sum_of, GROUP>(squares, slots), share, *epsilon));
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            unsigned w[4], out[4];
            load_chunk<true>(w, weight, (index_t)at.thread + i * GROUP, at.chunks, 0);
#pragma unroll
            for (int e = 0; e < 4; e++) {
                const unsigned word = both[i][e] ^ (IS_PACKED ? unknown_zero(1) : 0);
                out[e] = pack_bf16(low_bf16(word) * scale * low_bf16(w[e]), high_bf16(word) * scale * high_bf16(w[e]));
            }
            store_row_chunk(y, at, i, out);
        }
        next_row(row, from, at);
    }
}
