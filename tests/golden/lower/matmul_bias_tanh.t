# frit: opt %s -p core,lower
# input: tests/lower/matmul_bias_tanh.fir
---
plan @mm {
  input 0 x: f32[B, S, 64]
  input 1 w: f32[64, 256]
  input 2 b: f32[256]
  output 0 y: f32[B, S, 256]
  arena bytes 0
  scratch bytes 24576
  contract_0(x, w, b, out y)    -- contract + add + tanh
}

kernel @contract_0(x: f32[B, S, 64], w: f32[64, 256], b: f32[256], out y: f32[B, S, 256]) where B in 1..65536, S in 1..65536 {
  title "contract + add + tanh"
  schedule cpu lanes 8 unroll 4 tile_m 96 tile_n 64 tile_k 64
  flops 33280*((B*S + 95) floordiv 96)*min(B*S, 96)
  bytes 1280*B*S + 66560
  tile c: f32[96, 64]
  axis ib < (B*S + 95) floordiv 96, jb < 4, row < min(B*S - 96*ib, 96), col < 64, kk < 64, i_5 < min(B*S - 96*ib, 96), j_1 < 64
  phase {
    par jb < 4 {
      par ib < (B*S + 95) floordiv 96 {
        leaf row < min(B*S - 96*ib, 96), col < 64 max 64, kk < 64: c[row, col] = x[(96*ib + row) floordiv S, -S*((96*ib + row) floordiv S) + 96*ib + row, kk] * w[kk, col + 64*jb]
        seq i_5 < min(B*S - 96*ib, 96) {
          vec j_1 < 64 by 8 x 4 {
            y[(i_5 + 96*ib) floordiv S, -S*((i_5 + 96*ib) floordiv S) + i_5 + 96*ib, j_1 + 64*jb] = tanh(c[i_5, j_1] + b[j_1 + 64*jb])
          }
        }
      }
    }
  }
}
