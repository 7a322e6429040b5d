# frit: opt %s -p core,lower
# input: tests/lower/contract_bytes_channels_last.fir
---
plan @integer_conv {
  input 0 x: u8[N, 9, 9, 8]
  input 1 z: u8[]
  input 2 w: i8[3, 3, 8, 24]
  output 0 y: i32[N, 9, 9, 24]
  arena bytes 0
  scratch bytes 67584
  contract_0(x, z, w, out y)    -- contract
}

kernel @contract_0(x: u8[N, 9, 9, 8], z: u8[], w: i8[3, 3, 8, 24], out y: i32[N, 9, 9, 24]) where N in 1..100 {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 192 tile_n 64 tile_k 72
  flops 3456*((27*N + 63) floordiv 64)*min(81*N, 192)
  bytes 8424*N + 1729
  tile c: i32[192, 64]
  tile at: u8[192, 72]
  tile bt: i8[18, 64, 4]
  axis ib < (27*N + 63) floordiv 64, r < min(81*N - 192*ib, 192), c < 72, r_1 < 72, c_1 < 24, row < min(81*N - 192*ib, 192), col < 24, kk < 72, i_10 < min(81*N - 192*ib, 192), j_2 < 24
  phase {
    par ib < (27*N + 63) floordiv 64 {
      seq r < min(81*N - 192*ib, 192) {
        vec c < 72 by 8 x 1 {
          $1 = index(3*ib + c floordiv 3 - 3*(c floordiv 9) + (3*ib + r) floordiv 9 - 9*((30*ib + r) floordiv 81) - 1) >= 0 & index(3*ib + c floordiv 3 - 3*(c floordiv 9) + (3*ib + r) floordiv 9 - 9*((30*ib + r) floordiv 81) - 1) < 9 & (index(c + 3*ib + r - 3*(c floordiv 3) - 9*((3*ib + r) floordiv 9) - 1) >= 0 & index(c + 3*ib + r - 3*(c floordiv 3) - 9*((3*ib + r) floordiv 9) - 1) < 9)
          at[r, c] = $1 ? x[2*ib + (30*ib + r) floordiv 81, 3*ib + c floordiv 3 - 3*(c floordiv 9) + (3*ib + r) floordiv 9 - 9*((30*ib + r) floordiv 81) - 1, c + 3*ib + r - 3*(c floordiv 3) - 9*((3*ib + r) floordiv 9) - 1, c floordiv 9 if $1 else 0:u8] : z[]
        }
      }
      seq r_1 < 72 {
        vec c_1 < 24 by 8 x 1 {
          bt[r_1 floordiv 4, c_1, r_1 mod 4] = w[r_1 floordiv 3 - 3*(r_1 floordiv 9), r_1 - 3*(r_1 floordiv 3), r_1 floordiv 9, c_1]
        }
      }
      leaf row < min(81*N - 192*ib, 192), col < 24 max 64, kk < 72 by 4, padded 8: c[row, col] = at[row, kk] * bt[kk floordiv 4, col, kk mod 4]
      seq i_10 < min(81*N - 192*ib, 192) {
        vec j_2 < 24 by 8 x 4 {
          y[2*ib + (i_10 + 30*ib) floordiv 81, 3*ib + (i_10 + 3*ib) floordiv 9 - 9*((i_10 + 30*ib) floordiv 81), i_10 + 3*ib - 9*((i_10 + 3*ib) floordiv 9), j_2] = c[i_10, j_2]
        }
      }
    }
  }
}
