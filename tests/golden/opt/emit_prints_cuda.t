# frit: opt %s -p core,emit --target=cuda
func @f(%x: f32[N]) -> (%y: f32[N]) {
  %y = abs %x : f32[N]
  return %y
}
---
// abs
//
// kernel @abs_0(x: f32[N], out y: f32[N]) where N in 1..65536

typedef int index_t;

static __device__ __forceinline__ index_t smaller(index_t x, index_t y) { return x < y ? x : y; }

extern "C" __global__ void __launch_bounds__(256)
abs_0(const float *__restrict__ x, float *__restrict__ y, const long long *dims)
{
    const index_t N = (index_t)dims[0];
    const index_t b = blockIdx.x;
    if (const index_t i = threadIdx.x; i < smaller(N - 256 * b, 256)) {
        y[256 * b + i] = fabsf(x[256 * b + i]);
    }
}
