# frit: opt %s -p core,lower
# input: tests/lower/if_demands.fir
---
plan @if_demands {
  slot 0 c: bool[]
  input 0 x: f32[N, 4]
  input 1 z: f32[M, 4]
  output 0 y: f32[N, 4]
  slot 0 bytes 64
  arena bytes 64
  scratch bytes 0
  eq_0(out c)    -- eq
  if c {
    require N == M
    contract_1(x, z, out y)    -- contract
  } else {
    exp_2(x, out y)    -- exp
  }
}

kernel @eq_0(out c: bool[]) where N in 1..100, M in 1..100 {
  title "eq"
  schedule cpu lanes 8 unroll 2
  flops 0
  bytes 1
  phase {
    c[] = index(N) == index(M)
  }
}

kernel @contract_1(x: f32[N, 4], z: f32[M, 4], out s: f32[N, 4]) where N in 1..100, M in 1..100 {
  title "contract"
  schedule cpu lanes 1 unroll 4
  flops 2*((N + 15) floordiv 16)*min(4*N, 64)
  bytes 16*M + 32*N
  axis b < (N + 15) floordiv 16, i_6 < min(4*N - 64*b, 64)
  phase {
    par b < (N + 15) floordiv 16 {
      vec i_6 < min(4*N - 64*b, 64) by 8 x 1 {
        acc acc_: sum f32
        acc_ <- x[16*b + i_6 floordiv 4, i_6 - 4*(i_6 floordiv 4)] * z[16*b + i_6 floordiv 4, i_6 - 4*(i_6 floordiv 4)]
        s[16*b + i_6 floordiv 4, i_6 - 4*(i_6 floordiv 4)] = acc_
      }
    }
  }
}

kernel @exp_2(x: f32[N, 4], out e: f32[N, 4]) where N in 1..100 {
  title "exp"
  schedule cpu lanes 8 unroll 2
  flops 4*N
  bytes 32*N
  axis i_9 < 4*N
  phase {
    vec i_9 < 4*N by 8 x 2 {
      e[i_9 floordiv 4, i_9 - 4*(i_9 floordiv 4)] = exp(x[i_9 floordiv 4, i_9 - 4*(i_9 floordiv 4)])
    }
  }
}
