# frit: opt %s -p core,lower --cpu=x86-64-v4
func @mm(%x: f32[B, 8], %w: f32[8, 4]) -> (%y: f32[B, 4]) {
  %p = matmul %x, %w : f32[B, 4]
  %y = relu %p : f32[B, 4]
  return %y
}
---
plan @mm {
  input 0 x: f32[B, 8]
  input 1 w: f32[8, 4]
  output 0 y: f32[B, 4]
  arena bytes 0
  scratch bytes 24576
  contract_0(x, w, out y)    -- contract + max
}

kernel @contract_0(x: f32[B, 8], w: f32[8, 4], out y: f32[B, 4]) where B in 1..65536 {
  title "contract + max"
  schedule cpu lanes 16 unroll 4 tile_m 96 tile_n 64 tile_k 8
  flops 68*((B + 95) floordiv 96)*min(B, 96)
  bytes 48*B + 128
  tile c: f32[96, 64]
  axis ib < (B + 95) floordiv 96, row < min(B - 96*ib, 96), col < 4, kk < 8, i_3 < min(B - 96*ib, 96), j_1 < 4
  phase {
    par ib < (B + 95) floordiv 96 {
      leaf row < min(B - 96*ib, 96), col < 4 max 64, kk < 8: c[row, col] = x[96*ib + row, kk] * w[kk, col]
      seq i_3 < min(B - 96*ib, 96) {
        vec j_1 < 4 by 16 x 4 {
          y[i_3 + 96*ib, j_1] = max(c[i_3, j_1], 0.0)
        }
      }
    }
  }
}
