# frit: opt %s -p core,lower
# input: tests/lower/reduce_axes.fir
---
plan @r {
  input 0 x: f32[B, S, 9]
  output 0 a: f32[S, 9]
  output 1 b: f32[B, 9]
  output 4 e: i64[B, 9]
  output 5 f: f32[B, 1, 9]
  output 2 c: f32[]
  output 3 d: i64[B, S]
  arena bytes 0
  scratch bytes 0
  reduce_0(x, out a)    -- reduce
  reduce_1(x, out b, out e, out f)    -- 3 x reduce
  reduce_2(x, out c)    -- reduce
  reduce_3(x, out d)    -- reduce
}

kernel @reduce_0(x: f32[B, S, 9], out a: f32[S, 9]) where B in 1..65536, S in 1..65536 {
  title "reduce"
  schedule cpu lanes 1 unroll 4
  flops B*((9*S + 63) floordiv 64)*min(9*S, 64)
  bytes 36*B*S + 36*S
  axis r < B, b < (9*S + 63) floordiv 64, i_7 < min(9*S - 64*b, 64)
  phase {
    par b < (9*S + 63) floordiv 64 {
      vec i_7 < min(9*S - 64*b, 64) by 8 x 1 {
        acc acc_: sum f32
        seq r < B {
          acc_ <- x[r, 7*b + (b + i_7) floordiv 9, b + i_7 - 9*((b + i_7) floordiv 9)]
        }
        a[7*b + (b + i_7) floordiv 9, b + i_7 - 9*((b + i_7) floordiv 9)] = acc_
      }
    }
  }
}

kernel @reduce_1(x: f32[B, S, 9], out b: f32[B, 9], out e: i64[B, 9], out f: f32[B, 1, 9]) where B in 1..65536, S in 1..65536 {
  title "3 x reduce"
  schedule cpu lanes 1 unroll 4
  flops 36*B*S
  bytes 36*B*S + 144*B
  axis i_8 < B, r_1 < S, b_1 < 1, i_10 < -64*b_1 + 9
  phase {
    par i_8 < B {
      par b_1 < 1 {
        vec i_10 < -64*b_1 + 9 by 8 x 1 {
          acc acc_: max f32
          acc acc__1: argmin f32
          acc acc__2: prod f32
          seq r_1 < S {
            acc_ <- x[i_8, r_1, 64*b_1 + i_10]
            acc__1 <- (x[i_8, r_1, 64*b_1 + i_10], index(r_1))
            acc__2 <- x[i_8, r_1, 64*b_1 + i_10]
          }
          b[i_8, 64*b_1 + i_10] = acc_
          e[i_8, 64*b_1 + i_10] = acc__1.1
          f[i_8, 0, 64*b_1 + i_10] = acc__2
        }
      }
    }
  }
}

kernel @reduce_2(x: f32[B, S, 9], out c: f32[]) where B in 1..65536, S in 1..65536 {
  title "reduce"
  schedule cpu lanes 32 unroll 4
  flops 9*B*S
  bytes 36*B*S + 4
  axis i_12 < 9*B*S
  phase {
    acc acc_: sum f32 lanes 32
    vec i_12 < 9*B*S by 8 x 4 {
      acc_ <- x[i_12 floordiv (9*S), -S*(i_12 floordiv (9*S)) + i_12 floordiv 9, i_12 - 9*(i_12 floordiv 9)]
    }
    c[] = acc_
  }
}

kernel @reduce_3(x: f32[B, S, 9], out d: i64[B, S]) where B in 1..65536, S in 1..65536 {
  title "reduce"
  schedule cpu lanes 1 unroll 4
  flops 18*((B*S + 63) floordiv 64)*min(B*S, 64)
  bytes 44*B*S
  axis r_5 < 9, b_2 < (B*S + 63) floordiv 64, i_16 < min(B*S - 64*b_2, 64)
  phase {
    par b_2 < (B*S + 63) floordiv 64 {
      vec i_16 < min(B*S - 64*b_2, 64) by 8 x 1 {
        acc acc_: argmax f32
        seq r_5 < 9 {
          acc_ <- (x[(64*b_2 + i_16) floordiv S, -S*((64*b_2 + i_16) floordiv S) + 64*b_2 + i_16, r_5], index(r_5))
        }
        d[(64*b_2 + i_16) floordiv S, -S*((64*b_2 + i_16) floordiv S) + 64*b_2 + i_16] = acc_.1
      }
    }
  }
}
