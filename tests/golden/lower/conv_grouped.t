# frit: opt %s -p core,lower
# input: tests/lower/conv_grouped.fir
---
plan @net {
  input 1 w: f32[4, 3, 3, 2]
  input 0 x: f32[B, 6, 9, 8]
  output 0 y: f32[B, 4, 4, 7]
  input 2 d: f32[4, 1, 3, 3]
  output 1 z: f32[B, 4, 4, 7]
  arena bytes 0
  scratch bytes 5120
  contract_0(w, x, out y)    -- contract
  contract_1(y, d, out z)    -- contract
}

kernel @contract_0(w: f32[4, 3, 3, 2], x: f32[B, 6, 9, 8], out y: f32[B, 4, 4, 7]) where B in 1..65536 {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 2 tile_n 64 tile_k 18
  flops 4032*B
  bytes 2176*B + 288
  tile c: f32[2, 64]
  tile bt: f32[18, 64]
  axis i_12 < 2*B, r < 18, c < 28, z < 8, r_1 < 18, row < 2, col < 28, kk < 18, i_13 < 2, j_4 < 28
  phase {
    par i_12 < 2*B {
      vec z < 8 by 8 x 1 {
        seq r_1 < 18 {
          bt[r_1, z + 24] = 0.0
        }
      }
      seq r < 18 {
        vec c < 28 by 8 x 1 {
          bt[r, c] = x[i_12 floordiv 2, 3*i_12 - 6*(i_12 floordiv 2) + r floordiv 6, 2*(c floordiv 7) + r floordiv 2 - 3*(r floordiv 6), c + r - 7*(c floordiv 7) - 2*(r floordiv 2) if index(2*(c floordiv 7) + r floordiv 2 - 3*(r floordiv 6)) >= 0 & index(2*(c floordiv 7) + r floordiv 2 - 3*(r floordiv 6)) < 9 else 0.0]
        }
      }
      leaf row < 2, col < 28 max 64, kk < 18, padded 8: c[row, col] = w[2*i_12 + row - 4*(i_12 floordiv 2), kk floordiv 6, kk floordiv 2 - 3*(kk floordiv 6), kk - 2*(kk floordiv 2)] * bt[kk, col]
      seq i_13 < 2 {
        vec j_4 < 28 by 8 x 4 {
          y[i_12 floordiv 2, 2*i_12 + i_13 - 4*(i_12 floordiv 2), j_4 floordiv 7, j_4 - 7*(j_4 floordiv 7)] = c[i_13, j_4]
        }
      }
    }
  }
}

kernel @contract_1(y: f32[B, 4, 4, 7], d: f32[4, 1, 3, 3], out z: f32[B, 4, 4, 7]) where B in 1..65536 {
  title "contract"
  schedule cpu lanes 8 unroll 1 tile_m 4
  flops 2016*B
  bytes 896*B + 144
  axis i_22 < B, i_23 < 4, i_25 < 7, r_2 < 3, r_3 < 3, b < 1
  phase {
    par i_22 < B {
      par i_23 < 4 {
        par b < 1 {
          vec i_25 < 7 by 8 x 1 {
            acc acc_: sum f32
            acc acc__1: sum f32
            acc acc__2: sum f32
            acc acc__3: sum f32
            seq r_2 < 3 {
              seq r_3 < 3 {
                acc_ <- y[i_22, i_23, 4*b + r_2 - 1, i_25 + r_3 - 1 if index(4*b + r_2 - 1) >= 0 & index(i_25 + r_3 - 1) >= 0 & index(i_25 + r_3 - 1) < 7 else 0.0] * d[i_23, 0, r_2, r_3]
                acc__1 <- y[i_22, i_23, 4*b + r_2, i_25 + r_3 - 1 if index(i_25 + r_3 - 1) >= 0 & index(i_25 + r_3 - 1) < 7 else 0.0] * d[i_23, 0, r_2, r_3]
                acc__2 <- y[i_22, i_23, 4*b + r_2 + 1, i_25 + r_3 - 1 if index(i_25 + r_3 - 1) >= 0 & index(i_25 + r_3 - 1) < 7 else 0.0] * d[i_23, 0, r_2, r_3]
                acc__3 <- y[i_22, i_23, 4*b + r_2 + 2, i_25 + r_3 - 1 if index(4*b + r_2 + 2) < 4 & index(i_25 + r_3 - 1) >= 0 & index(i_25 + r_3 - 1) < 7 else 0.0] * d[i_23, 0, r_2, r_3]
              }
            }
            z[i_22, i_23, 4*b, i_25] = acc_
            z[i_22, i_23, 4*b + 1, i_25] = acc__1
            z[i_22, i_23, 4*b + 2, i_25] = acc__2
            z[i_22, i_23, 4*b + 3, i_25] = acc__3
          }
        }
      }
    }
  }
}
