/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// What the kernels of this folder ask of a tensor-core GPU (sm_80 and later), one instruction each. tests/emulate/cuda.h
// has the same functions for the CPU. Shared memory is addressed by the byte offset from its start.
#ifndef FRIT_EMULATE
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

// Two bf16 in a word, lo in its lower half; to nearest, ties to even.
static __device__ __forceinline__ unsigned pack_bf16(float lo, float hi)
{
    unsigned r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(hi), "f"(lo));
    return r;
}
#endif
