# frit: opt %s -p core,lower
# input: tests/lower/if_gives_output.fir
---
plan @if_gives_output {
  input 1 k: f32[2]
  slot 0 c: bool[]
  input 0 x: f32[N, 16]
  output 0 y: f32[N]
  slot 0 bytes 64
  arena bytes 64
  scratch bytes 0
  reduce_0(k, out c)    -- reduce + lt
  if c {
    reduce_1(x, out y)    -- reduce
  } else {
    reduce_2(x, out y)    -- reduce
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

kernel @reduce_1(x: f32[N, 16], out p: f32[N]) where N in 1..100 {
  title "reduce"
  schedule cpu lanes 1 unroll 4
  flops 16*((N + 63) floordiv 64)*min(N, 64)
  bytes 68*N
  axis r_1 < 16, b < (N + 63) floordiv 64, i_4 < min(N - 64*b, 64)
  phase {
    par b < (N + 63) floordiv 64 {
      vec i_4 < min(N - 64*b, 64) by 8 x 1 {
        acc acc_: sum f32
        seq r_1 < 16 {
          acc_ <- x[64*b + i_4, r_1]
        }
        p[64*b + i_4] = acc_
      }
    }
  }
}

kernel @reduce_2(x: f32[N, 16], out m: f32[N]) where N in 1..100 {
  title "reduce"
  schedule cpu lanes 1 unroll 4
  flops 16*((N + 63) floordiv 64)*min(N, 64)
  bytes 68*N
  axis r_2 < 16, b_1 < (N + 63) floordiv 64, i_6 < min(N - 64*b_1, 64)
  phase {
    par b_1 < (N + 63) floordiv 64 {
      vec i_6 < min(N - 64*b_1, 64) by 8 x 1 {
        acc acc_: max f32
        seq r_2 < 16 {
          acc_ <- x[64*b_1 + i_6, r_2]
        }
        m[64*b_1 + i_6] = acc_
      }
    }
  }
}
