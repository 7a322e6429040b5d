# frit: opt %s -p core,lower
# input: tests/lower/contract_weights.fir
---
plan @weights {
  input 0 x: f32[M, 70]
  const 0 packed: i8[2, 70, 64]
  const 1 packed_1: f32[2, 1, 64]
  output 0 a: f32[M, 100]
  const 2 packed: u4[3, 70, 64]
  const 3 packed_1: u4[3, 3, 64]
  const 4 packed_2: f32[3, 3, 64]
  output 1 b: f32[M, 130]
  const 5 packed: u8[1, 70, 64]
  const 6 packed_1: f32[1, 35, 64]
  output 2 c: f32[M, 64]
  arena bytes 0
  scratch bytes 43520
  contract_0(x, packed, packed_1, out a)    -- contract
  contract_1(x, packed, packed_1, packed_2, out b)    -- contract
  contract_2(x, packed, packed_1, out c)    -- contract
}

kernel @contract_0(x: f32[M, 70], const packed: i8[2, 70, 64], const packed_1: f32[2, 1, 64], out a: f32[M, 100]) where M in 1..100 {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 100 tile_n 64 tile_k 70
  flops 14000*M + 17920
  bytes 680*M + 9472
  tile c: f32[100, 64]
  tile bt: f32[70, 64]
  axis jb < 2, run < 1, c < 64, r < 70, row < M, col < min(-64*jb + 100, 64), kk < 70, i_9 < M, j_7 < min(-64*jb + 100, 64)
  phase {
    par jb < 2 {
      seq run < 1 {
        vec c < 64 by 8 x 4 {
          seq r < 70 {
            bt[r + 70*run, c] = f32(packed[jb, r + 70*run, c]) * packed_1[jb, 0, c]
          }
        }
      }
      leaf row < M, col < min(-64*jb + 100, 64) max 64, kk < 70, padded 8: c[row, col] = x[row, kk] * bt[kk, col]
      seq i_9 < M {
        vec j_7 < min(-64*jb + 100, 64) by 8 x 4 {
          a[i_9, j_7 + 64*jb] = c[i_9, j_7]
        }
      }
    }
  }
}

kernel @contract_1(x: f32[M, 70], const packed: u4[3, 70, 64], const packed_1: u4[3, 3, 64], const packed_2: f32[3, 3, 64], out b: f32[M, 130]) where M in 1..100 {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 100 tile_n 64 tile_k 70
  flops 18200*M + 53760
  bytes 800*M + 9312
  tile c: f32[100, 64]
  tile bt: f32[70, 64]
  axis jb_1 < 3, r_1 < 70, c_1 < 64, row_1 < M, col_1 < min(-64*jb_1 + 130, 64), kk_1 < 70, i_12 < M, j_8 < min(-64*jb_1 + 130, 64)
  phase {
    par jb_1 < 3 {
      seq r_1 < 70 {
        vec c_1 < 64 by 8 x 1 {
          bt[r_1, c_1] = (f32(packed[jb_1, r_1, c_1]) - f32(packed_1[jb_1, r_1 floordiv 32, c_1])) * packed_2[jb_1, r_1 floordiv 32, c_1]
        }
      }
      leaf row_1 < M, col_1 < min(-64*jb_1 + 130, 64) max 64, kk_1 < 70, padded 8: c[row_1, col_1] = x[row_1, kk_1] * bt[kk_1, col_1]
      seq i_12 < M {
        vec j_8 < min(-64*jb_1 + 130, 64) by 8 x 4 {
          b[i_12, j_8 + 64*jb_1] = c[i_12, j_8]
        }
      }
    }
  }
}

kernel @contract_2(x: f32[M, 70], const packed: u8[1, 70, 64], const packed_1: f32[1, 35, 64], out c_1: f32[M, 64]) where M in 1..100 {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 100 tile_n 64 tile_k 70
  flops 8960*M + 8960
  bytes 536*M + 13440
  tile c: f32[100, 64]
  tile bt: f32[70, 64]
  axis run_1 < 35, c_2 < 64, r_2 < 2, row_2 < M, col_2 < 64, kk_2 < 70, i_15 < M, j_9 < 64
  phase {
    seq run_1 < 35 {
      vec c_2 < 64 by 8 x 4 {
        seq r_2 < 2 {
          bt[r_2 + 2*run_1, c_2] = f32(packed[0, r_2 + 2*run_1, c_2]) * packed_1[0, run_1, c_2]
        }
      }
    }
    leaf row_2 < M, col_2 < 64 max 64, kk_2 < 70, padded 8: c[row_2, col_2] = x[row_2, kk_2] * bt[kk_2, col_2]
    seq i_15 < M {
      vec j_9 < 64 by 8 x 4 {
        c_1[i_15, j_9] = c[i_15, j_9]
      }
    }
  }
}
