# frit: opt %s -p core,lower
# input: tests/lower/conv_core.fir
---
plan @conv {
  input 1 w: f32[32, 16, 3, 3]
  input 0 x: f32[N, 16, 28, 28]
  input 2 b: f32[32]
  output 0 y: f32[N, 32, 28, 28]
  arena bytes 0
  scratch bytes 40960
  contract_0(w, x, b, out y)    -- contract + add + max
}

kernel @contract_0(w: f32[32, 16, 3, 3], x: f32[N, 16, 28, 28], b: f32[32], out y: f32[N, 32, 28, 28]) where N in 1..65536 {
  title "contract + add + max"
  schedule cpu lanes 8 unroll 4 tile_m 32 tile_n 64 tile_k 128
  flops 7275520*N
  bytes 150528*N + 18560
  tile c: f32[32, 64]
  tile bt: f32[128, 64]
  axis i_2 < N, jb < 13, kb < 2, r < min(-128*kb + 144, 128), c < min(-64*jb + 784, 64), z < 8*((min(-64*jb + 784, 64) + 7) floordiv 8) - 8*(min(-64*jb + 784, 64) floordiv 8), r_1 < 128, row < 32, col < min(-64*jb + 784, 64), kk < min(-128*kb + 144, 128), i_9 < 32, j_2 < min(-64*jb + 784, 64)
  phase {
    par i_2 < N {
      par jb < 13 {
        vec z < 8*((min(-64*jb + 784, 64) + 7) floordiv 8) - 8*(min(-64*jb + 784, 64) floordiv 8) by 8 x 1 {
          seq r_1 < 128 {
            bt[r_1, z + 8*(min(-64*jb + 784, 64) floordiv 8)] = 0.0
          }
        }
        seq kb < 2 {
          seq r < min(-128*kb + 144, 128) {
            vec c < min(-64*jb + 784, 64) by 8 x 1 {
              bt[r, c] = x[i_2, 14*kb + (2*kb + r) floordiv 9, 2*jb + (c + 8*jb) floordiv 28 + (2*kb + r) floordiv 3 - 3*((2*kb + r) floordiv 9) - 1, c + 8*jb + 2*kb + r - 28*((c + 8*jb) floordiv 28) - 3*((2*kb + r) floordiv 3) - 1 if index(2*jb + (c + 8*jb) floordiv 28 + (2*kb + r) floordiv 3 - 3*((2*kb + r) floordiv 9) - 1) >= 0 & index(2*jb + (c + 8*jb) floordiv 28 + (2*kb + r) floordiv 3 - 3*((2*kb + r) floordiv 9) - 1) < 28 & (index(c + 8*jb + 2*kb + r - 28*((c + 8*jb) floordiv 28) - 3*((2*kb + r) floordiv 3) - 1) >= 0 & index(c + 8*jb + 2*kb + r - 28*((c + 8*jb) floordiv 28) - 3*((2*kb + r) floordiv 3) - 1) < 28) else 0.0]
            }
          }
          leaf row < 32, col < min(-64*jb + 784, 64) max 64, kk < min(-128*kb + 144, 128), padded 8: c[row, col] += w[row, 14*kb + (2*kb + kk) floordiv 9, (2*kb + kk) floordiv 3 - 3*((2*kb + kk) floordiv 9), 2*kb + kk - 3*((2*kb + kk) floordiv 3)] * bt[kk, col] if index(kb) > 0
        }
        seq i_9 < 32 {
          vec j_2 < min(-64*jb + 784, 64) by 8 x 4 {
            y[i_2, i_9, 2*jb + (j_2 + 8*jb) floordiv 28, j_2 + 8*jb - 28*((j_2 + 8*jb) floordiv 28)] = max(c[i_9, j_2] + b[i_9], 0.0)
          }
        }
      }
    }
  }
}
