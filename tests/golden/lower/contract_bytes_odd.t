# frit: opt %s -p core,lower
# input: tests/lower/contract_bytes_odd.fir
---
plan @odd_k {
  input 0 x: i8[M, K]
  input 1 w: u8[K, N]
  output 0 y: i32[M, N]
  arena bytes 0
  scratch bytes 46592
  contract_0(x, w, out y)    -- contract
}

kernel @contract_0(x: i8[M, K], w: u8[K, N], out y: i32[M, N]) where M in 1..100, K in 1..600, N in 1..100 {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 100 tile_n 64 tile_k 128
  flops 2*M*((K + 127) floordiv 128)*((N + 63) floordiv 64)*min(K, 128)*min(N, 64)
  bytes K*M + K*N + 4*M*N
  tile c: i32[100, 64]
  tile at: i8[100, 128]
  tile bt: u8[32, 64, 4]
  axis jb < (N + 63) floordiv 64, kb < (K + 127) floordiv 128, r < M, c < min(K - 128*kb, 128), z < 4*((min(K - 128*kb, 128) + 3) floordiv 4) - min(K - 128*kb, 128), zr < M, r_1 < min(K - 128*kb, 128), c_1 < min(N - 64*jb, 64), z_1 < 4*((min(K - 128*kb, 128) + 3) floordiv 4) - min(K - 128*kb, 128), zc < 64, z_2 < 32*((min(N - 64*jb, 64) + 7) floordiv 8) - 32*(min(N - 64*jb, 64) floordiv 8), r_2 < (min(K, 128) + 3) floordiv 4, row < M, col < min(N - 64*jb, 64), kk < min(K - 128*kb, 128), i_3 < M, j_1 < min(N - 64*jb, 64)
  phase {
    par jb < (N + 63) floordiv 64 {
      vec z_2 < 32*((min(N - 64*jb, 64) + 7) floordiv 8) - 32*(min(N - 64*jb, 64) floordiv 8) by 8 x 1 {
        seq r_2 < (min(K, 128) + 3) floordiv 4 {
          bt[r_2, z_2 floordiv 4 + 8*(min(N - 64*jb, 64) floordiv 8), z_2 - 4*(z_2 floordiv 4)] = 0:u8
        }
      }
      seq kb < (K + 127) floordiv 128 {
        seq r < M {
          vec c < min(K - 128*kb, 128) by 8 x 1 {
            at[r, c] = x[r, c + 128*kb]
          }
        }
        seq zr < M {
          seq z < 4*((min(K - 128*kb, 128) + 3) floordiv 4) - min(K - 128*kb, 128) {
            at[zr, z + min(K - 128*kb, 128)] = 0:i8
          }
        }
        seq r_1 < min(K - 128*kb, 128) {
          vec c_1 < min(N - 64*jb, 64) by 8 x 1 {
            bt[r_1 floordiv 4, c_1, r_1 mod 4] = w[128*kb + r_1, c_1 + 64*jb]
          }
        }
        seq z_1 < 4*((min(K - 128*kb, 128) + 3) floordiv 4) - min(K - 128*kb, 128) {
          vec zc < 64 by 8 x 1 {
            bt[(z_1 + min(K - 128*kb, 128)) floordiv 4, zc, (z_1 + min(K - 128*kb, 128)) mod 4] = 0:u8
          }
        }
        leaf row < M, col < min(N - 64*jb, 64) max 64, kk < min(K - 128*kb, 128) by 4, padded 8: c[row, col] += at[row, kk] * bt[kk floordiv 4, col, kk mod 4] if index(kb) > 0
      }
      seq i_3 < M {
        vec j_1 < min(N - 64*jb, 64) by 8 x 4 {
          y[i_3, j_1 + 64*jb] = c[i_3, j_1]
        }
      }
    }
  }
}
