# frit: opt %s -p core,lower
# input: tests/lower/conv_relu_pool.fir
---
plan @net {
  input 1 w: f32[8, 3, 3, 3]
  input 0 x: f32[B, 3, 12, 12]
  input 2 b: f32[8]
  slot 0 b3: f32[B, 8, 12, 12]
  output 0 y: f32[B, 8, 6, 6]
  slot 0 bytes 4608*B
  arena bytes 4608*B
  scratch bytes 8960
  contract_0(w, x, b, out b3)    -- contract + add + max
  reduce_1(b3, out y)    -- reduce
}

kernel @contract_0(w: f32[8, 3, 3, 3], x: f32[B, 3, 12, 12], b: f32[8], out t: f32[B, 8, 12, 12]) where B in 1..65536 {
  title "contract + add + max"
  schedule cpu lanes 8 unroll 4 tile_m 8 tile_n 64 tile_k 27
  flops 64512*B
  bytes 6336*B + 896
  tile c: f32[8, 64]
  tile bt: f32[27, 64]
  axis i_4 < B, jb < 3, r < 27, c < min(-64*jb + 144, 64), z < 8*((min(-64*jb + 144, 64) + 7) floordiv 8) - 8*(min(-64*jb + 144, 64) floordiv 8), r_1 < 27, row < 8, col < min(-64*jb + 144, 64), kk < 27, i_11 < 8, j_4 < min(-64*jb + 144, 64)
  phase {
    par i_4 < B {
      par jb < 3 {
        vec z < 8*((min(-64*jb + 144, 64) + 7) floordiv 8) - 8*(min(-64*jb + 144, 64) floordiv 8) by 8 x 1 {
          seq r_1 < 27 {
            bt[r_1, z + 8*(min(-64*jb + 144, 64) floordiv 8)] = 0.0
          }
        }
        seq r < 27 {
          vec c < min(-64*jb + 144, 64) by 8 x 1 {
            bt[r, c] = x[i_4, r floordiv 9, 5*jb + r floordiv 3 - 3*(r floordiv 9) + (c + 4*jb) floordiv 12 - 1, c + 4*jb + r - 3*(r floordiv 3) - 12*((c + 4*jb) floordiv 12) - 1 if index(5*jb + r floordiv 3 - 3*(r floordiv 9) + (c + 4*jb) floordiv 12 - 1) >= 0 & index(5*jb + r floordiv 3 - 3*(r floordiv 9) + (c + 4*jb) floordiv 12 - 1) < 12 & (index(c + 4*jb + r - 3*(r floordiv 3) - 12*((c + 4*jb) floordiv 12) - 1) >= 0 & index(c + 4*jb + r - 3*(r floordiv 3) - 12*((c + 4*jb) floordiv 12) - 1) < 12) else 0.0]
          }
        }
        leaf row < 8, col < min(-64*jb + 144, 64) max 64, kk < 27, padded 8: c[row, col] = w[row, kk floordiv 9, kk floordiv 3 - 3*(kk floordiv 9), kk - 3*(kk floordiv 3)] * bt[kk, col]
        seq i_11 < 8 {
          vec j_4 < min(-64*jb + 144, 64) by 8 x 4 {
            t[i_4, i_11, 5*jb + (j_4 + 4*jb) floordiv 12, j_4 + 4*jb - 12*((j_4 + 4*jb) floordiv 12)] = max(c[i_11, j_4] + b[i_11], 0.0)
          }
        }
      }
    }
  }
}

kernel @reduce_1(t: f32[B, 8, 12, 12], out y: f32[B, 8, 6, 6]) where B in 1..65536 {
  title "reduce"
  schedule cpu lanes 8 unroll 1 tile_m 8
  flops 1152*B
  bytes 5760*B
  axis i_15 < 6, r_2 < 2, r_3 < 2, b < 6*B
  phase {
    par b < 6*B {
      vec i_15 < 6 by 8 x 1 {
        acc acc_: max f32
        acc acc__1: max f32
        acc acc__2: max f32
        acc acc__3: max f32
        acc acc__4: max f32
        acc acc__5: max f32
        acc acc__6: max f32
        acc acc__7: max f32
        seq r_2 < 2 {
          seq r_3 < 2 {
            acc_ <- t[b floordiv 6, b + b floordiv 3 - 8*(b floordiv 6), 4*b + r_2 - 12*(b floordiv 3), 2*i_15 + r_3]
            acc__1 <- t[b floordiv 6, b + b floordiv 3 - 8*(b floordiv 6), 4*b + r_2 - 12*(b floordiv 3) + 2, 2*i_15 + r_3]
            acc__2 <- t[b floordiv 6, b - 8*(b floordiv 6) + (b + 1) floordiv 3, 4*b + r_2 - 12*((b + 1) floordiv 3) + 4, 2*i_15 + r_3]
            acc__3 <- t[b floordiv 6, b - 8*(b floordiv 6) + (b + 1) floordiv 3, 4*b + r_2 - 12*((b + 1) floordiv 3) + 6, 2*i_15 + r_3]
            acc__4 <- t[b floordiv 6, b - 8*(b floordiv 6) + (b + 2) floordiv 3, 4*b + r_2 - 12*((b + 2) floordiv 3) + 8, 2*i_15 + r_3]
            acc__5 <- t[b floordiv 6, b - 8*(b floordiv 6) + (b + 2) floordiv 3, 4*b + r_2 - 12*((b + 2) floordiv 3) + 10, 2*i_15 + r_3]
            acc__6 <- t[b floordiv 6, b + b floordiv 3 - 8*(b floordiv 6) + 1, 4*b + r_2 - 12*(b floordiv 3), 2*i_15 + r_3]
            acc__7 <- t[b floordiv 6, b + b floordiv 3 - 8*(b floordiv 6) + 1, 4*b + r_2 - 12*(b floordiv 3) + 2, 2*i_15 + r_3]
          }
        }
        y[b floordiv 6, b + b floordiv 3 - 8*(b floordiv 6), 2*b - 6*(b floordiv 3), i_15] = acc_
        y[b floordiv 6, b + b floordiv 3 - 8*(b floordiv 6), 2*b - 6*(b floordiv 3) + 1, i_15] = acc__1
        y[b floordiv 6, b - 8*(b floordiv 6) + (b + 1) floordiv 3, 2*b - 6*((b + 1) floordiv 3) + 2, i_15] = acc__2
        y[b floordiv 6, b - 8*(b floordiv 6) + (b + 1) floordiv 3, 2*b - 6*((b + 1) floordiv 3) + 3, i_15] = acc__3
        y[b floordiv 6, b - 8*(b floordiv 6) + (b + 2) floordiv 3, 2*b - 6*((b + 2) floordiv 3) + 4, i_15] = acc__4
        y[b floordiv 6, b - 8*(b floordiv 6) + (b + 2) floordiv 3, 2*b - 6*((b + 2) floordiv 3) + 5, i_15] = acc__5
        y[b floordiv 6, b + b floordiv 3 - 8*(b floordiv 6) + 1, 2*b - 6*(b floordiv 3), i_15] = acc__6
        y[b floordiv 6, b + b floordiv 3 - 8*(b floordiv 6) + 1, 2*b - 6*(b floordiv 3) + 1, i_15] = acc__7
      }
    }
  }
}
