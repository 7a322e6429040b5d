/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// What the kernels of this folder ask of a tensor-core GPU (sm_80 and later), one instruction each. tests/emulate/cuda.h
// has the same functions for the CPU. Shared memory is addressed by the byte offset from its start.
#ifndef FRIT_EMULATE
#define INFINITY __int_as_float(0x7f800000)

static __device__ __forceinline__ unsigned char *shared_memory()
{
    extern __shared__ __align__(128) unsigned char dynamic_shared[];
    return dynamic_shared;
}

static __device__ __forceinline__ unsigned shared_address(unsigned at)
{
    return (unsigned)__cvta_generic_to_shared(shared_memory()) + at;
}

// Begins a copy of 16 bytes from global to shared memory; of the source only n_bytes are read, the rest is 0.
static __device__ __forceinline__ void copy_async(unsigned to, const void *from, int n_bytes)
{
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from),
                 "r"(n_bytes)
                 : "memory");
}

// The thread's copies since the last call are a group.
static __device__ __forceinline__ void copy_async_commit()
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}

// Waits until no more than `n` of the thread's newest groups are on their way.
template <int n> static __device__ __forceinline__ void copy_async_wait()
{
    asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory");
}

// Four 8 x 8 matrices of 16-bit elements. Lane 8 i + j says where row j of matrix i lies; register i of lane 4 g + t
// becomes elements [g][2 t] and [g][2 t + 1] of matrix i.
static __device__ __forceinline__ void load_matrices(unsigned *r, unsigned at)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(at))
                 : "memory");
}

// As load_matrices, each matrix transposed: elements [2 t][g] and [2 t + 1][g].
static __device__ __forceinline__ void load_matrices_turned(unsigned *r, unsigned at)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(at))
                 : "memory");
}

// c[16, 8] += a[16, 16] b[16, 8], a warp together; bf16 products, f32 sums.
static __device__ __forceinline__ void mma_bf16(float *c, const unsigned *a, const unsigned *b)
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// c[16, 8] = a[16, 16] b[16, 8].
static __device__ __forceinline__ void mma_bf16_first(float *c, const unsigned *a, const unsigned *b)
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%10, %10, %10, %10};"
                 : "=f"(c[0]), "=f"(c[1]), "=f"(c[2]), "=f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(0.0f));
}

// Two bf16 in a word, lo in its lower half; to nearest, ties to even.
static __device__ __forceinline__ unsigned pack_bf16(float lo, float hi)
{
    unsigned r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(hi), "f"(lo));
    return r;
}

// 16 bytes of global memory that the kernel does not write, through L1: for what other threads and rows read again.
static __device__ __forceinline__ void load_kept(unsigned *r, const void *at)
{
    asm volatile("ld.global.nc.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "l"(at));
}

// 16 bytes that nobody reads again: past L1.
static __device__ __forceinline__ void load_once(unsigned *r, const void *at)
{
    asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "l"(at));
}

static __device__ __forceinline__ unsigned load_word_once(const void *at)
{
    unsigned r;
    asm volatile("ld.global.nc.L1::no_allocate.b32 %0, [%1];" : "=r"(r) : "l"(at));
    return r;
}

// 16 bytes to global memory; store_once's are the first to leave L2.
static __device__ __forceinline__ void store_kept(void *at, const unsigned *r)
{
    asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(at), "r"(r[0]), "r"(r[1]), "r"(r[2]), "r"(r[3])
                 : "memory");
}

static __device__ __forceinline__ void store_once(void *at, const unsigned *r)
{
    asm volatile("st.global.cs.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(at), "r"(r[0]), "r"(r[1]), "r"(r[2]), "r"(r[3])
                 : "memory");
}

// The two bf16 of a word.
static __device__ __forceinline__ float low_bf16(unsigned word)
{
    return __uint_as_float(word << 16);
}

static __device__ __forceinline__ float high_bf16(unsigned word)
{
    return __uint_as_float(word & 0xffff0000u);
}

// One f16 as the lower half of a word.
static __device__ __forceinline__ float low_f16(unsigned word)
{
    float x;
    asm("{ .reg .f16 lo, hi; mov.b32 {lo, hi}, %1; cvt.f32.f16 %0, lo; }" : "=f"(x) : "r"(word));
    return x;
}

// 2^x and 1 / x, off by 2 ulp of f32 at most; 2^x of a result below 2^-126 is 0.
static __device__ __forceinline__ float exp2_quick(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

static __device__ __forceinline__ float reciprocal_quick(float x)
{
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// 128 + q for the q in bits 0 to 3 and 16 to 19 of a word, as two bf16.
static __device__ __forceinline__ unsigned nibbles_of(unsigned word)
{
    unsigned r;
    asm("lop3.b32 %0, %1, %2, %3, 0xea;" : "=r"(r) : "r"(word), "n"(0x000f000f), "r"(0x43004300)); // a & b | c
    return r;
}

// Two products and sums of bf16, each rounded once.
static __device__ __forceinline__ unsigned fma_bf16x2(unsigned a, unsigned b, unsigned c)
{
    unsigned r;
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}

// A barrier of all threads of the cluster's blocks, behind which they see each other's shared memory, in two halves.
static __device__ __forceinline__ void cluster_arrive()
{
    asm volatile("barrier.cluster.arrive.aligned;" ::: "memory");
}

static __device__ __forceinline__ void cluster_wait()
{
    asm volatile("barrier.cluster.wait.aligned;" ::: "memory");
}

// The f32 at byte `at` of the shared memory of block `rank` of the cluster.
static __device__ __forceinline__ float load_of_cluster(unsigned at, unsigned rank)
{
    float x;
    asm volatile("{ .reg .u32 there; mapa.shared::cluster.u32 there, %1, %2; ld.shared::cluster.f32 %0, [there]; }"
                 : "=f"(x)
                 : "r"(shared_address(at)), "r"(rank)
                 : "memory");
    return x;
}
#endif
