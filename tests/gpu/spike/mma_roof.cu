/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// What mma.sync alone reaches: each warp repeats the products of 4 x 8 operands that stay in registers into 32 sums, as a
// warp of matmul_bf16 with a tile of 64 x 64 does, without any load. dims[0]: how often. operands: 32 words a lane;
// out: one number a thread; cycles: of each block.
extern "C" __global__ void __launch_bounds__(256, 1)
mma_roof(const unsigned *operands, float *out, long long *cycles, const long long *dims)
{
    const unsigned lane = threadIdx.x & 31;
    unsigned a[4][4], b[8][2];
    float sum[4][8][4] = {};
    for (int i = 0; i < 16; i++) a[i / 4][i % 4] = operands[i * 32 + lane];
    for (int i = 0; i < 16; i++) b[i / 2][i % 2] = operands[(16 + i) * 32 + lane];
    const long long rounds = dims[0];
    __syncthreads();
    const long long began = clock64();
#pragma unroll 1
    for (long long round = 0; round < rounds; round++)
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < 8; j++) mma_bf16(sum[i][j], a[i], b[j]);
    __syncthreads();
    if (threadIdx.x == 0) cycles[blockIdx.x] = clock64() - began;
    float total = 0;
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 8; j++)
            for (int r = 0; r < 4; r++) total += sum[i][j][r];
    out[blockIdx.x * blockDim.x + threadIdx.x] = total;
}
