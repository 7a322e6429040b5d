# frit: opt %s -p core,lower --target=cuda --arch=sm_80
func @mm(%x: f32[B, 8], %w: f32[8, 4]) -> (%y: f32[B, 4]) {
  %p = matmul %x, %w : f32[B, 4]
  %y = relu %p : f32[B, 4]
  return %y
}
---
plan @mm {
  input 0 x: f32[B, 8]
  input 1 w: f32[8, 4]
  output 0 y: f32[B, 4]
  arena bytes 0
  scratch bytes 8256
  contract_0(x, w, out y)    -- contract + max
}

kernel @contract_0(x: f32[B, 8], w: f32[8, 4], out y: f32[B, 4]) where B in 1..65536 {
  title "contract + max"
  schedule cuda threads 256 tile_m 64 tile_n 64 tile_k 16 thread_m 4 thread_n 4
  flops 69632*((B + 63) floordiv 64)
  bytes 48*B + 128
  tile at: f32[16, 64] strides [65, 1]
  tile bt: f32[16, 64]
  reg c: f32[4, 4]
  axis jb < 1, ib < (B + 63) floordiv 64, t < 256, i_3 < 4, j_1 < 4, kb < 1, kk < 16, u < 4, u_1 < 4, i_4 < 4, j_2 < 4, i_5 < 4, j_3 < 4
  phase {
    par jb < 1 {
      par ib < (B + 63) floordiv 64 {
        thread t < 256 by 256 {
          unroll i_3 < 4 {
            unroll j_1 < 4 {
              c[i_3, j_1] = 0.0
            }
          }
          seq kb < 1 {
            barrier
            unroll u < 4 {
              at[t mod 16, 16*u + t floordiv 16] = x[64*ib + 16*u + t floordiv 16, 16*kb + t mod 16 if index(64*ib + 16*u + t floordiv 16) < index(B) & index(16*kb + t mod 16) < 8 else 0.0]
            }
            unroll u_1 < 4 {
              bt[4*u_1 + t floordiv 64, t mod 64] = w[16*kb + 4*u_1 + t floordiv 64, 64*jb + t mod 64 if index(64*jb + t mod 64) < 4 & index(16*kb + 4*u_1 + t floordiv 64) < 8 else 0.0]
            }
            barrier
            seq kk < 16 {
              unroll i_4 < 4 {
                unroll j_2 < 4 {
                  c[i_4, j_2] = fma(at[kk, 16*i_4 + t floordiv 16], bt[kk, 16*j_2 + t mod 16], c[i_4, j_2])
                }
              }
            }
          }
          unroll i_5 < 4 {
            unroll j_3 < 4 {
              if index(16*i_5 + 64*ib + t floordiv 16) < index(B) & index(16*j_3 + 64*jb + t mod 16) < 4 {
                y[16*i_5 + 64*ib + t floordiv 16, 16*j_3 + 64*jb + t mod 16] = max(c[i_5, j_3], 0.0)
              }
            }
          }
        }
      }
    }
  }
}
