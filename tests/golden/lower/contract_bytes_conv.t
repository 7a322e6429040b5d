# frit: opt %s -p core,lower
# input: tests/lower/contract_bytes_conv.fir
---
plan @integer_conv {
  input 2 w: i8[8, 5, 3, 3]
  input 0 x: u8[N, 5, 9, 9]
  input 1 z: u8[]
  output 0 y: i32[N, 8, 9, 9]
  arena bytes 0
  scratch bytes 5504
  contract_0(w, x, z, out y)    -- contract
}

kernel @contract_0(w: i8[8, 5, 3, 3], x: u8[N, 5, 9, 9], z: u8[], out y: i32[N, 8, 9, 9]) where N in 1..100 {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 8 tile_n 64 tile_k 45
  flops 58320*N
  bytes 2997*N + 361
  tile c: i32[8, 64]
  tile at: i8[8, 48]
  tile bt: u8[12, 64, 4]
  axis i_2 < N, jb < 2, r < 8, c < 45, z < 3, zr < 8, r_1 < 45, c_1 < min(-64*jb + 81, 64), z_1 < 3, zc < 64, z_2 < 32*((min(-64*jb + 81, 64) + 7) floordiv 8) - 32*(min(-64*jb + 81, 64) floordiv 8), r_2 < 12, row < 8, col < min(-64*jb + 81, 64), kk < 45, i_9 < 8, j_2 < min(-64*jb + 81, 64)
  phase {
    par i_2 < N {
      par jb < 2 {
        vec z_2 < 32*((min(-64*jb + 81, 64) + 7) floordiv 8) - 32*(min(-64*jb + 81, 64) floordiv 8) by 8 x 1 {
          seq r_2 < 12 {
            bt[r_2, z_2 floordiv 4 + 8*(min(-64*jb + 81, 64) floordiv 8), z_2 - 4*(z_2 floordiv 4)] = 0:u8
          }
        }
        seq r < 8 {
          vec c < 45 by 8 x 1 {
            at[r, c] = w[r, c floordiv 9, c floordiv 3 - 3*(c floordiv 9), c - 3*(c floordiv 3)]
          }
        }
        seq zr < 8 {
          seq z < 3 {
            at[zr, z + 45] = 0:i8
          }
        }
        seq r_1 < 45 {
          vec c_1 < min(-64*jb + 81, 64) by 8 x 1 {
            $1 = index(7*jb + r_1 floordiv 3 - 3*(r_1 floordiv 9) + (c_1 + jb) floordiv 9 - 1) >= 0 & index(7*jb + r_1 floordiv 3 - 3*(r_1 floordiv 9) + (c_1 + jb) floordiv 9 - 1) < 9 & (index(c_1 + jb + r_1 - 3*(r_1 floordiv 3) - 9*((c_1 + jb) floordiv 9) - 1) >= 0 & index(c_1 + jb + r_1 - 3*(r_1 floordiv 3) - 9*((c_1 + jb) floordiv 9) - 1) < 9)
            bt[r_1 floordiv 4, c_1, r_1 mod 4] = $1 ? x[i_2, r_1 floordiv 9, 7*jb + r_1 floordiv 3 - 3*(r_1 floordiv 9) + (c_1 + jb) floordiv 9 - 1, c_1 + jb + r_1 - 3*(r_1 floordiv 3) - 9*((c_1 + jb) floordiv 9) - 1 if $1 else 0:u8] : z[]
          }
        }
        seq z_1 < 3 {
          vec zc < 64 by 8 x 1 {
            bt[11, zc, z_1 + 1] = 0:u8
          }
        }
        leaf row < 8, col < min(-64*jb + 81, 64) max 64, kk < 45 by 4, padded 8: c[row, col] = at[row, kk] * bt[kk floordiv 4, col, kk mod 4]
        seq i_9 < 8 {
          vec j_2 < min(-64*jb + 81, 64) by 8 x 4 {
            y[i_2, i_9, 7*jb + (j_2 + jb) floordiv 9, j_2 + jb - 9*((j_2 + jb) floordiv 9)] = c[i_9, j_2]
          }
        }
      }
    }
  }
}
