# frit: opt %s -p core,lower
# input: tests/lower/contract_bytes.fir
---
plan @integer_matmul {
  input 0 x: u8[B, M, 40]
  input 2 w: i8[40, 70]
  input 1 z: u8[]
  input 3 s: f32[70]
  output 0 y: f32[B, M, 70]
  arena bytes 0
  scratch bytes 51712
  contract_0(x, w, z, s, out y)    -- contract + sub + cast + mul
}

kernel @contract_0(x: u8[B, M, 40], w: i8[40, 70], z: u8[], s: f32[70], out y: f32[B, M, 70]) where B in 1..100, M in 1..100 {
  title "contract + sub + cast + mul"
  schedule cpu lanes 8 unroll 4 tile_m 192 tile_n 64 tile_k 40
  flops 5740*((B*M + 191) floordiv 192)*min(B*M, 192)
  bytes 320*B*M + 3081
  tile c: i32[192, 64]
  tile bt: i8[10, 64, 4]
  axis ib < (B*M + 191) floordiv 192, jb < 2, r < 40, c < min(-64*jb + 70, 64), z < 32*((min(-64*jb + 70, 64) + 7) floordiv 8) - 32*(min(-64*jb + 70, 64) floordiv 8), r_1 < 10, row < min(B*M - 192*ib, 192), col < min(-64*jb + 70, 64), kk < 40, i_5 < min(B*M - 192*ib, 192), j_1 < min(-64*jb + 70, 64)
  phase {
    par jb < 2 {
      par ib < (B*M + 191) floordiv 192 {
        vec z < 32*((min(-64*jb + 70, 64) + 7) floordiv 8) - 32*(min(-64*jb + 70, 64) floordiv 8) by 8 x 1 {
          seq r_1 < 10 {
            bt[r_1, z floordiv 4 + 8*(min(-64*jb + 70, 64) floordiv 8), z - 4*(z floordiv 4)] = 0:i8
          }
        }
        seq r < 40 {
          vec c < min(-64*jb + 70, 64) by 8 x 1 {
            bt[r floordiv 4, c, r mod 4] = w[r, c + 64*jb]
          }
        }
        leaf row < min(B*M - 192*ib, 192), col < min(-64*jb + 70, 64) max 64, kk < 40 by 4, padded 8: c[row, col] = x[(192*ib + row) floordiv M, -M*((192*ib + row) floordiv M) + 192*ib + row, kk] * bt[kk floordiv 4, col, kk mod 4]
        seq i_5 < min(B*M - 192*ib, 192) {
          vec j_1 < min(-64*jb + 70, 64) by 8 x 4 {
            y[(i_5 + 192*ib) floordiv M, -M*((i_5 + 192*ib) floordiv M) + i_5 + 192*ib, j_1 + 64*jb] = f32(c[i_5, j_1] - i32(z[])) * s[j_1 + 64*jb]
          }
        }
      }
    }
  }
}
