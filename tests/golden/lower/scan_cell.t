# frit: opt %s -p core,lower
# input: tests/lower/scan_cell.fir
---
plan @scan_cell {
  input 2 w: f32[8, 8]
  slot 0 w1: f32[8, 8]
  output 1 h: f32[B, 8]
  input 0 x: f32[S, B, 8]
  slot 1 t: f32[B, 8]
  output 0 y: f32[S, B, 8]
  input 1 h0: f32[B, 8]
  slot 0 bytes 256
  slot 1 bytes 64*((B + 1) floordiv 2)
  arena bytes 64*((B + 1) floordiv 2) + 256
  scratch bytes 16384
  mul_0(w, out w1)    -- mul
  copy(h0, h)
  loop iteration < S {
    contract_1(h, w1, x, out t, out y)    -- contract + add + tanh
    copy(t, h)
  }
}

kernel @mul_0(w: f32[8, 8], out w1: f32[8, 8]) {
  title "mul"
  schedule cpu lanes 8 unroll 2
  flops 64
  bytes 512
  axis i_4 < 64
  phase {
    vec i_4 < 64 by 8 x 2 {
      w1[i_4 floordiv 8, i_4 - 8*(i_4 floordiv 8)] = w[i_4 floordiv 8, i_4 - 8*(i_4 floordiv 8)] * 0.10000000149011612
    }
  }
}

kernel @contract_1(a: f32[B, 8], w1: f32[8, 8], x: f32[S, B, 8], out t: f32[B, 8], out y: f32[S, B, 8]) where B in 1..64, S in 0..100, iteration in 0..99 {
  title "contract + add + tanh"
  schedule cpu lanes 8 unroll 4 tile_m 64 tile_n 64 tile_k 8
  flops 160*B
  bytes 64*B*S + 64*B + 256
  tile c: f32[64, 64]
  axis row < B, col < 8, kk < 8, i_7 < B, j_2 < 8
  phase {
    leaf row < B, col < 8 max 64, kk < 8: c[row, col] = a[row, kk] * w1[kk, col]
    seq i_7 < B {
      vec j_2 < 8 by 8 x 4 {
        t[i_7, j_2] = tanh(c[i_7, j_2] + x[iteration, i_7, j_2])
        y[iteration, i_7, j_2] = tanh(c[i_7, j_2] + x[iteration, i_7, j_2])
      }
    }
  }
}
