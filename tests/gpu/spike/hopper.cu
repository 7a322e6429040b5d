/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// What wgmma_bf16.cu asks of sm_90a beyond prelude.cu, one instruction each: barriers in shared memory, copies of boxes
// by the tensor memory accelerator, products of a warpgroup (4 warps). Shared memory is addressed by byte offsets.
// Registers of a product under way may not be touched: they are operands of the statement that waits for it.
#define C8(i)                                                                                                          \
    "+f"(c[i]), "+f"(c[i + 1]), "+f"(c[i + 2]), "+f"(c[i + 3]), "+f"(c[i + 4]), "+f"(c[i + 5]), "+f"(c[i + 6]),        \
        "+f"(c[i + 7])
#define C32(i) C8(i), C8(i + 8), C8(i + 16), C8(i + 24)
#define C128   C32(0), C32(32), C32(64), C32(96)

// The first offset at a multiple of 1024 bytes, where the pattern of the swizzle begins.
static __device__ __forceinline__ unsigned first_tile()
{
    return (1024 - (shared_address(0) & 1023)) & 1023;
}

// A barrier's phase ends when `count` threads have arrived and all bytes that were announced are there.
static __device__ __forceinline__ void barrier_init(unsigned at, unsigned count)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(at)), "r"(count) : "memory");
}

// Between the barriers' initialisation and their use by others.
static __device__ __forceinline__ void barrier_publish()
{
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

static __device__ __forceinline__ void barrier_arrive(unsigned at)
{
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(at)) : "memory");
}

// Arrives and announces bytes that copies will bring.
static __device__ __forceinline__ void barrier_expect(unsigned at, unsigned n_bytes)
{
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(at)), "r"(n_bytes)
                 : "memory");
}

// Waits for the end of the phase of that parity.
static __device__ __forceinline__ void barrier_wait(unsigned at, unsigned parity)
{
    asm volatile("{\n.reg .pred done;\nagain:\n"
                 "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n@!done bra again;\n}"
                 :
                 : "r"(shared_address(at)), "r"(parity)
                 : "memory");
}

// A box of a tensor [.., y, x] as its map says it (box, swizzle, 0 behind the edges); the barrier gets its bytes.
static __device__ __forceinline__ void copy_box(unsigned to, const void *map, int x, int y, unsigned barrier)
{
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes "
                 "[%0], [%1, {%2, %3}], [%4];"
                 :
                 : "r"(shared_address(to)), "l"(map), "r"(x), "r"(y), "r"(shared_address(barrier))
                 : "memory");
}

template <int n> static __device__ __forceinline__ void registers_fewer()
{
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(n));
}

template <int n> static __device__ __forceinline__ void registers_more()
{
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(n));
}

static __device__ __forceinline__ void warpgroup_begin(float (&c)[128])
{
    asm volatile("wgmma.fence.sync.aligned;" : C128::"memory");
}

static __device__ __forceinline__ void warpgroup_commit()
{
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

// Waits until no more than n groups of products are under way.
template <int n> static __device__ __forceinline__ void warpgroup_wait(float (&c)[128])
{
    asm volatile("wgmma.wait_group.sync.aligned %128;" : C128 : "n"(n) : "memory");
}

// Where an operand lies: rows of 128 bytes whose chunk of 16 stands at chunk XOR row mod 8. slab: bytes from 64 elements
// along the rows to the next 64.
static __device__ __forceinline__ unsigned long long operand_at(unsigned at, unsigned slab)
{
    return (unsigned long long)((shared_address(at) & 0x3ffff) >> 4) | (unsigned long long)(slab >> 4) << 16 |
           64ull << 32 | 1ull << 62;
}

// c[64, 256] (+)= a[64, 16] b[16, 256]; rows of a's tile are rows (k neighbours), rows of b's tile are k.
static __device__ __forceinline__ void warpgroup_mma(float (&c)[128], unsigned a_at, unsigned b_at, unsigned b_slab,
                                                     int is_added)
{
    asm volatile(
        "{\n.reg .pred added;\nsetp.ne.b32 added, %130, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {"
        "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
        "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
        "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
        "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, "
        "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "
        "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "
        "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, "
        "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
        "}, %128, %129, added, 1, 1, 0, 1;\n}"
        : C128
        : "l"(operand_at(a_at, 16)), "l"(operand_at(b_at, b_slab)), "r"(is_added));
}
