# frit: opt %s -p core,lower
# input: tests/lower/matmul_bias_gelu.fir
---
plan @mm {
  input 0 x: f32[B, S, 72]
  input 1 w: f32[72, 200]
  input 2 b: f32[200]
  output 0 y: f32[B, S, 200]
  arena bytes 0
  scratch bytes 24576
  contract_0(x, w, b, out y)    -- contract + add + 2 x mul + erf + add + mul
}

kernel @contract_0(x: f32[B, S, 72], w: f32[72, 200], b: f32[200], out y: f32[B, S, 200]) where B in 1..65536, S in 1..65536 {
  title "contract + add + 2 x mul + erf + add + mul"
  schedule cpu lanes 8 unroll 4 tile_m 96 tile_n 64 tile_k 72
  flops 30000*((B*S + 95) floordiv 96)*min(B*S, 96)
  bytes 1088*B*S + 58400
  tile c: f32[96, 64]
  axis ib < (B*S + 95) floordiv 96, jb < 4, row < min(B*S - 96*ib, 96), col < min(-64*jb + 200, 64), kk < 72, i_5 < min(B*S - 96*ib, 96), j_1 < min(-64*jb + 200, 64)
  phase {
    par jb < 4 {
      par ib < (B*S + 95) floordiv 96 {
        leaf row < min(B*S - 96*ib, 96), col < min(-64*jb + 200, 64) max 64, kk < 72: c[row, col] = x[(96*ib + row) floordiv S, -S*((96*ib + row) floordiv S) + 96*ib + row, kk] * w[kk, col + 64*jb]
        seq i_5 < min(B*S - 96*ib, 96) {
          vec j_1 < min(-64*jb + 200, 64) by 8 x 4 {
            $1 = c[i_5, j_1] + b[j_1 + 64*jb]
            y[(i_5 + 96*ib) floordiv S, -S*((i_5 + 96*ib) floordiv S) + i_5 + 96*ib, j_1 + 64*jb] = 0.5 * $1 * (1.0 + erf($1 * 0.7071067690849304))
          }
        }
      }
    }
  }
}
