# frit: opt %s -p core,lower
# input: tests/lower/contract_bf16.fir
---
plan @rounded {
  input 0 x: f32[B, M, 37]
  slot 0 a: bf16[B, M, 37]
  input 1 w: bf16[37, 70]
  input 2 b: f32[70]
  output 0 y: f32[B, M, 70]
  slot 0 bytes 64*B*M + 64*((5*B*M + 31) floordiv 32)
  arena bytes 64*B*M + 64*((5*B*M + 31) floordiv 32)
  scratch bytes 68608
  add_0(x, out a)    -- add + cast
  contract_1(a, w, b, out y)    -- contract + add
}

kernel @add_0(x: f32[B, M, 37], out a: bf16[B, M, 37]) where B in 1..100, M in 1..100 {
  title "add + cast"
  schedule cpu lanes 8 unroll 2 grain 4096
  flops 2*((37*B*M + 4095) floordiv 4096)*min(37*B*M, 4096)
  bytes 222*B*M
  axis b < (37*B*M + 4095) floordiv 4096, i_7 < min(37*B*M - 4096*b, 4096)
  phase {
    par b < (37*B*M + 4095) floordiv 4096 {
      vec i_7 < min(37*B*M - 4096*b, 4096) by 8 x 2 {
        a[(4096*b + i_7) floordiv (37*M), -M*((4096*b + i_7) floordiv (37*M)) + 110*b + (26*b + i_7) floordiv 37, 26*b + i_7 - 37*((26*b + i_7) floordiv 37)] = bf16(x[(4096*b + i_7) floordiv (37*M), -M*((4096*b + i_7) floordiv (37*M)) + 110*b + (26*b + i_7) floordiv 37, 26*b + i_7 - 37*((26*b + i_7) floordiv 37)] + x[(4096*b + i_7) floordiv (37*M), -M*((4096*b + i_7) floordiv (37*M)) + 110*b + (26*b + i_7) floordiv 37, 26*b + i_7 - 37*((26*b + i_7) floordiv 37)])
      }
    }
  }
}

kernel @contract_1(a: bf16[B, M, 37], w: bf16[37, 70], b: f32[70], out y: f32[B, M, 70]) where B in 1..100, M in 1..100 {
  title "contract + add"
  schedule cpu lanes 8 unroll 4 tile_m 192 tile_n 64 tile_k 37
  flops 5250*((B*M + 191) floordiv 192)*min(B*M, 192)
  bytes 354*B*M + 5460
  tile c: f32[192, 64]
  tile at: bf16[192, 38]
  tile bt: bf16[19, 64, 2]
  axis ib < (B*M + 191) floordiv 192, jb < 2, r < min(B*M - 192*ib, 192), c < 37, z < 1, zr < min(B*M - 192*ib, 192), r_1 < 37, c_1 < min(-64*jb + 70, 64), z_1 < 1, zc < 64, z_2 < 16*((min(-64*jb + 70, 64) + 7) floordiv 8) - 16*(min(-64*jb + 70, 64) floordiv 8), r_2 < 19, row < min(B*M - 192*ib, 192), col < min(-64*jb + 70, 64), kk < 37, i_12 < min(B*M - 192*ib, 192), j_2 < min(-64*jb + 70, 64)
  phase {
    par jb < 2 {
      par ib < (B*M + 191) floordiv 192 {
        vec z_2 < 16*((min(-64*jb + 70, 64) + 7) floordiv 8) - 16*(min(-64*jb + 70, 64) floordiv 8) by 8 x 1 {
          seq r_2 < 19 {
            bt[r_2, z_2 floordiv 2 + 8*(min(-64*jb + 70, 64) floordiv 8), z_2 - 2*(z_2 floordiv 2)] = 0.0:bf16
          }
        }
        seq r < min(B*M - 192*ib, 192) {
          vec c < 37 by 8 x 1 {
            at[r, c] = a[(192*ib + r) floordiv M, -M*((192*ib + r) floordiv M) + 192*ib + r, c]
          }
        }
        seq zr < min(B*M - 192*ib, 192) {
          seq z < 1 {
            at[zr, z + 37] = 0.0:bf16
          }
        }
        seq r_1 < 37 {
          vec c_1 < min(-64*jb + 70, 64) by 8 x 1 {
            bt[r_1 floordiv 2, c_1, r_1 mod 2] = w[r_1, c_1 + 64*jb]
          }
        }
        seq z_1 < 1 {
          vec zc < 64 by 8 x 1 {
            bt[18, zc, z_1 + 1] = 0.0:bf16
          }
        }
        leaf row < min(B*M - 192*ib, 192), col < min(-64*jb + 70, 64) max 64, kk < 37 by 2, padded 8: c[row, col] = at[row, kk] * bt[kk floordiv 2, col, kk mod 2]
        seq i_12 < min(B*M - 192*ib, 192) {
          vec j_2 < min(-64*jb + 70, 64) by 8 x 4 {
            y[(i_12 + 192*ib) floordiv M, -M*((i_12 + 192*ib) floordiv M) + i_12 + 192*ib, j_2 + 64*jb] = c[i_12, j_2] + b[j_2 + 64*jb]
          }
        }
      }
    }
  }
}
