# frit: opt %s -p core,lower
# input: tests/lower/contract_bf16_odd.fir
---
plan @odd_k {
  input 0 x: bf16[M, K]
  input 1 w: bf16[K, N]
  output 0 y: f32[M, N]
  arena bytes 0
  scratch bytes 67584
  contract_0(x, w, out y)    -- contract
}

kernel @contract_0(x: bf16[M, K], w: bf16[K, N], out y: f32[M, N]) where M in 1..100, K in 1..600, N in 1..100 {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 100 tile_n 64 tile_k 128
  flops 2*M*((K + 127) floordiv 128)*((N + 63) floordiv 64)*min(K, 128)*min(N, 64)
  bytes 2*K*M + 2*K*N + 4*M*N
  tile c: f32[100, 64]
  tile at: bf16[100, 128]
  tile bt: bf16[64, 64, 2]
  axis jb < (N + 63) floordiv 64, kb < (K + 127) floordiv 128, r < M, c < min(K - 128*kb, 128), z < 2*((min(K - 128*kb, 128) + 1) floordiv 2) - min(K - 128*kb, 128), zr < M, r_1 < min(K - 128*kb, 128), c_1 < min(N - 64*jb, 64), z_1 < 2*((min(K - 128*kb, 128) + 1) floordiv 2) - min(K - 128*kb, 128), zc < 64, z_2 < 16*((min(N - 64*jb, 64) + 7) floordiv 8) - 16*(min(N - 64*jb, 64) floordiv 8), r_2 < (min(K, 128) + 1) floordiv 2, row < M, col < min(N - 64*jb, 64), kk < min(K - 128*kb, 128), i_3 < M, j_1 < min(N - 64*jb, 64)
  phase {
    par jb < (N + 63) floordiv 64 {
      vec z_2 < 16*((min(N - 64*jb, 64) + 7) floordiv 8) - 16*(min(N - 64*jb, 64) floordiv 8) by 8 x 1 {
        seq r_2 < (min(K, 128) + 1) floordiv 2 {
          bt[r_2, z_2 floordiv 2 + 8*(min(N - 64*jb, 64) floordiv 8), z_2 - 2*(z_2 floordiv 2)] = 0.0:bf16
        }
      }
      seq kb < (K + 127) floordiv 128 {
        seq r < M {
          vec c < min(K - 128*kb, 128) by 8 x 1 {
            at[r, c] = x[r, c + 128*kb]
          }
        }
        seq zr < M {
          seq z < 2*((min(K - 128*kb, 128) + 1) floordiv 2) - min(K - 128*kb, 128) {
            at[zr, z + min(K - 128*kb, 128)] = 0.0:bf16
          }
        }
        seq r_1 < min(K - 128*kb, 128) {
          vec c_1 < min(N - 64*jb, 64) by 8 x 1 {
            bt[r_1 floordiv 2, c_1, r_1 mod 2] = w[128*kb + r_1, c_1 + 64*jb]
          }
        }
        seq z_1 < 2*((min(K - 128*kb, 128) + 1) floordiv 2) - min(K - 128*kb, 128) {
          vec zc < 64 by 8 x 1 {
            bt[(z_1 + min(K - 128*kb, 128)) floordiv 2, zc, (z_1 + min(K - 128*kb, 128)) mod 2] = 0.0:bf16
          }
        }
        leaf row < M, col < min(N - 64*jb, 64) max 64, kk < min(K - 128*kb, 128) by 2, padded 8: c[row, col] += at[row, kk] * bt[kk floordiv 2, col, kk mod 2] if index(kb) > 0
      }
      seq i_3 < M {
        vec j_1 < min(N - 64*jb, 64) by 8 x 4 {
          y[i_3, j_1 + 64*jb] = c[i_3, j_1]
        }
      }
    }
  }
}
