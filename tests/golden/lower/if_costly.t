# frit: opt %s -p core,lower
# input: tests/lower/if_costly.fir
---
plan @if_costly {
  input 2 k: f32[2]
  slot 0 c: bool[]
  input 0 x: f32[N, 16]
  slot 1 e: f32[N, 16]
  input 1 w: f32[16, 16]
  output 0 y: f32[N, 16]
  output 1 z: f32[N]
  slot 0 bytes 64
  slot 1 bytes 64*N
  arena bytes 64*N + 64
  scratch bytes 24576
  reduce_0(k, out c)    -- reduce + lt
  exp_1(x, out e)    -- exp
  if c {
    contract_2(e, w, out y)    -- contract
    reduce_3(y, out z)    -- reduce
  } else {
    tanh_4(x, out z)    -- tanh + reduce
    copy(x, y)
  }
}

kernel @reduce_0(k: f32[2], out c: bool[]) {
  title "reduce + lt"
  schedule cpu lanes 32 unroll 4
  flops 2
  bytes 9
  axis r < 2
  phase {
    acc acc_: sum f32 lanes 32
    vec r < 2 by 8 x 4 {
      acc_ <- k[r]
    }
    let v = acc_ < 0.0
    c[] = v
  }
}

kernel @exp_1(x: f32[N, 16], out e: f32[N, 16]) where N in 1..100 {
  title "exp"
  schedule cpu lanes 8 unroll 2
  flops 16*N
  bytes 128*N
  axis i_7 < 16*N
  phase {
    vec i_7 < 16*N by 8 x 2 {
      e[i_7 floordiv 16, i_7 - 16*(i_7 floordiv 16)] = exp(x[i_7 floordiv 16, i_7 - 16*(i_7 floordiv 16)])
    }
  }
}

kernel @contract_2(e: f32[N, 16], w: f32[16, 16], out p: f32[N, 16]) where N in 1..100 {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 96 tile_n 64 tile_k 16
  flops 512*((N + 95) floordiv 96)*min(N, 96)
  bytes 128*N + 1024
  tile c: f32[96, 64]
  axis ib < (N + 95) floordiv 96, row < min(N - 96*ib, 96), col < 16, kk < 16, i_10 < min(N - 96*ib, 96), j_4 < 16
  phase {
    par ib < (N + 95) floordiv 96 {
      leaf row < min(N - 96*ib, 96), col < 16 max 64, kk < 16: c[row, col] = e[96*ib + row, kk] * w[kk, col]
      seq i_10 < min(N - 96*ib, 96) {
        vec j_4 < 16 by 8 x 4 {
          p[i_10 + 96*ib, j_4] = c[i_10, j_4]
        }
      }
    }
  }
}

kernel @reduce_3(p: f32[N, 16], out q: f32[N]) where N in 1..100 {
  title "reduce"
  schedule cpu lanes 1 unroll 4
  flops 16*((N + 63) floordiv 64)*min(N, 64)
  bytes 68*N
  axis r_1 < 16, b < (N + 63) floordiv 64, i_12 < min(N - 64*b, 64)
  phase {
    par b < (N + 63) floordiv 64 {
      vec i_12 < min(N - 64*b, 64) by 8 x 1 {
        acc acc_: sum f32
        seq r_1 < 16 {
          acc_ <- p[64*b + i_12, r_1]
        }
        q[64*b + i_12] = acc_
      }
    }
  }
}

kernel @tanh_4(x: f32[N, 16], out m: f32[N]) where N in 1..100 {
  title "tanh + reduce"
  schedule cpu lanes 1 unroll 4
  flops 32*((N + 63) floordiv 64)*min(N, 64)
  bytes 68*N
  axis r_2 < 16, b_1 < (N + 63) floordiv 64, i_14 < min(N - 64*b_1, 64)
  phase {
    par b_1 < (N + 63) floordiv 64 {
      vec i_14 < min(N - 64*b_1, 64) by 8 x 1 {
        acc acc_: max f32
        seq r_2 < 16 {
          acc_ <- tanh(x[64*b_1 + i_14, r_2])
        }
        m[64*b_1 + i_14] = acc_
      }
    }
  }
}
