# frit: opt %s -p core,lower
# input: tests/lower/quantised_block.fir
---
plan @block {
  input 0 x: u8[N, 40]
  input 1 w: i8[40, 32]
  slot 1 q: u8[N, 32]
  slot 0 n: f32[N, 1]
  input 3 r: f32[N, 32]
  output 1 d: f32[N, 32]
  input 2 v: i8[32, 16]
  output 0 t: i32[N, 16]
  slot 0 bytes 64*((N + 15) floordiv 16)
  slot 1 bytes 64*((N + 1) floordiv 2)
  arena bytes 64*((N + 1) floordiv 2) + 64*((N + 15) floordiv 16)
  scratch bytes 28160
  reduce_2(r, out n)    -- reduce
  contract_0(x, w, out q, n, r, out d)    -- contract + cast + mul + max + min + 2 x cast + sub + mul + add + mul
  contract_1(q, v, out t)    -- contract
}

kernel @contract_0(x: u8[N, 40], w: i8[40, 32], out q: u8[N, 32], n: f32[N, 1], r: f32[N, 32], out d: f32[N, 32]) where N in 1..100 {
  title "contract + cast + mul + max + min + 2 x cast + sub + mul + add + mul"
  schedule cpu lanes 8 unroll 4 tile_m 100 tile_n 64 tile_k 40
  flops 2976*N
  bytes 332*N + 1280
  tile c: i32[100, 64]
  tile bt: i8[10, 64, 4]
  axis r < 40, c < 32, row < N, col < 32, kk < 40, i_5 < N, j_3 < 32
  phase {
    seq r < 40 {
      vec c < 32 by 8 x 1 {
        bt[r floordiv 4, c, r mod 4] = w[r, c]
      }
    }
    leaf row < N, col < 32 max 64, kk < 40 by 4, padded 8: c[row, col] = x[row, kk] * bt[kk floordiv 4, col, kk mod 4]
    seq i_5 < N {
      vec j_3 < 32 by 8 x 4 {
        q[i_5, j_3] = u8(min(max(f32(c[i_5, j_3]) * 0.019999999552965164, 0.0), 255.0))
        d[i_5, j_3] = ((f32(u8(min(max(f32(c[i_5, j_3]) * 0.019999999552965164, 0.0), 255.0))) - 3.0) * 0.019999999552965164 + n[i_5, 0]) * r[i_5, j_3]
      }
    }
  }
}

kernel @contract_1(q: u8[N, 32], v: i8[32, 16], out t: i32[N, 16]) where N in 1..100 {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 100 tile_n 64 tile_k 32
  flops 1024*N
  bytes 96*N + 512
  tile c: i32[100, 64]
  tile bt: i8[8, 64, 4]
  axis r_1 < 32, c_1 < 16, row_1 < N, col_1 < 16, kk_1 < 32, i_8 < N, j_4 < 16
  phase {
    seq r_1 < 32 {
      vec c_1 < 16 by 8 x 1 {
        bt[r_1 floordiv 4, c_1, r_1 mod 4] = v[r_1, c_1]
      }
    }
    leaf row_1 < N, col_1 < 16 max 64, kk_1 < 32 by 4, padded 8: c[row_1, col_1] = q[row_1, kk_1] * bt[kk_1 floordiv 4, col_1, kk_1 mod 4]
    seq i_8 < N {
      vec j_4 < 16 by 8 x 4 {
        t[i_8, j_4] = c[i_8, j_4]
      }
    }
  }
}

kernel @reduce_2(r: f32[N, 32], out n: f32[N, 1]) where N in 1..100 {
  title "reduce"
  schedule cpu lanes 1 unroll 4
  flops 32*((N + 63) floordiv 64)*min(N, 64)
  bytes 132*N
  axis r_2 < 32, b < (N + 63) floordiv 64, i_10 < min(N - 64*b, 64)
  phase {
    par b < (N + 63) floordiv 64 {
      vec i_10 < min(N - 64*b, 64) by 8 x 1 {
        acc acc_: sum f32
        seq r_2 < 32 {
          acc_ <- r[64*b + i_10, r_2]
        }
        n[64*b + i_10, 0] = acc_
      }
    }
  }
}
