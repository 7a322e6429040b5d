# frit: opt %s -p core,lower
# input: tests/lower/conv_deep_taps.fir
---
plan @net {
  input 0 x: f32[B, 5, 6, 300]
  const 0 w: f32[32, 300, 3, 3]
  const 1 b2: f32[1, 32, 1, 1]
  output 0 y: f32[B, 32, 5, 6]
  arena bytes 0
  scratch bytes 180224
  contract_0(x, w, b2, out y)    -- contract + add
}

kernel @contract_0(x: f32[B, 5, 6, 300], w: f32[32, 300, 3, 3], w_1: f32[1, 32, 1, 1], out y: f32[B, 32, 5, 6]) where B in 1..65536 {
  title "contract + add"
  schedule cpu lanes 8 unroll 4 tile_m 192 tile_n 64 tile_k 128
  flops 172832*((5*B + 31) floordiv 32)*min(30*B, 192)
  bytes 39840*B + 345728
  tile c: f32[192, 64]
  tile at: f32[192, 128]
  tile bt: f32[128, 64]
  axis ib < (5*B + 31) floordiv 32, kb < 22, r < min(30*B - 192*ib, 192), c < min(-128*kb + 2700, 128), r_1 < min(-128*kb + 2700, 128), c_1 < 32, row < min(30*B - 192*ib, 192), col < 32, kk < min(-128*kb + 2700, 128), i_10 < min(30*B - 192*ib, 192), j_2 < 32
  phase {
    par ib < (5*B + 31) floordiv 32 {
      seq kb < 22 {
        seq r < min(30*B - 192*ib, 192) {
          vec c < min(-128*kb + 2700, 128) by 8 x 1 {
            at[r, c] = x[6*ib + (12*ib + r) floordiv 30, 2*ib + r floordiv 6 + (c + 128*kb) floordiv 900 - 5*((12*ib + r) floordiv 30) - 1, r - 6*(r floordiv 6) + (c + 128*kb) floordiv 300 - 3*((c + 128*kb) floordiv 900) - 1, c + 128*kb - 300*((c + 128*kb) floordiv 300) if index(2*ib + r floordiv 6 + (c + 128*kb) floordiv 900 - 5*((12*ib + r) floordiv 30) - 1) >= 0 & index(2*ib + r floordiv 6 + (c + 128*kb) floordiv 900 - 5*((12*ib + r) floordiv 30) - 1) < 5 & (index(r - 6*(r floordiv 6) + (c + 128*kb) floordiv 300 - 3*((c + 128*kb) floordiv 900) - 1) >= 0 & index(r - 6*(r floordiv 6) + (c + 128*kb) floordiv 300 - 3*((c + 128*kb) floordiv 900) - 1) < 6) else 0.0]
          }
        }
        seq r_1 < min(-128*kb + 2700, 128) {
          vec c_1 < 32 by 8 x 1 {
            bt[r_1, c_1] = w[c_1, 128*kb + r_1 - 300*((128*kb + r_1) floordiv 300), (128*kb + r_1) floordiv 900, (128*kb + r_1) floordiv 300 - 3*((128*kb + r_1) floordiv 900)]
          }
        }
        leaf row < min(30*B - 192*ib, 192), col < 32 max 64, kk < min(-128*kb + 2700, 128), padded 8: c[row, col] += at[row, kk] * bt[kk, col] if index(kb) > 0
      }
      seq i_10 < min(30*B - 192*ib, 192) {
        vec j_2 < 32 by 8 x 4 {
          y[6*ib + (i_10 + 12*ib) floordiv 30, j_2, 2*ib + i_10 floordiv 6 - 5*((i_10 + 12*ib) floordiv 30), i_10 - 6*(i_10 floordiv 6)] = c[i_10, j_2] + w_1[0, j_2, 0, 0]
        }
      }
    }
  }
}
