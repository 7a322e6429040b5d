# frit: opt %s -p core,lower
# input: tests/lower/row_reads_own_stored_view.fir
---
plan @f {
  input 0 x: f32[A, 17, 6, 5]
  output 0 b1: f32[A, 1]
  output 1 b2: bool[A, 1]
  output 2 b3: f32[A, 17]
  arena bytes 0
  scratch bytes 0
  reduce_0(x, out b1, out b2)    -- reduce + exp + le
  reduce_1(x, out b3)    -- reduce
}

kernel @reduce_0(x: f32[A, 17, 6, 5], out t: f32[A, 1], out t_1: bool[A, 1]) where A in 1..9 {
  title "reduce + exp + le"
  schedule cpu lanes 32 unroll 4
  flops 511*A
  bytes 2045*A
  axis i_2 < A, i_4 < 510
  phase {
    par i_2 < A {
      acc acc_: sum f32 lanes 32
      vec i_4 < 510 by 8 x 4 {
        acc_ <- x[i_2, i_4 floordiv 30, i_4 floordiv 5 - 6*(i_4 floordiv 30), i_4 - 5*(i_4 floordiv 5)]
      }
      let v = exp(acc_)
      let v_1 = v <= 0.5
      t[i_2, 0] = v
      t_1[i_2, 0] = v_1
    }
  }
}

kernel @reduce_1(x: f32[A, 17, 6, 5], out t: f32[A, 17]) where A in 1..9 {
  title "reduce"
  schedule cpu lanes 1 unroll 4
  flops 30*((17*A + 63) floordiv 64)*min(17*A, 64)
  bytes 2108*A
  axis i_7 < 30, b < (17*A + 63) floordiv 64, i_9 < min(17*A - 64*b, 64)
  phase {
    par b < (17*A + 63) floordiv 64 {
      vec i_9 < min(17*A - 64*b, 64) by 8 x 1 {
        acc acc_: max f32
        seq i_7 < 30 {
          acc_ <- x[3*b + (13*b + i_9) floordiv 17, 13*b + i_9 - 17*((13*b + i_9) floordiv 17), i_7 floordiv 5, i_7 - 5*(i_7 floordiv 5)]
        }
        t[3*b + (13*b + i_9) floordiv 17, 13*b + i_9 - 17*((13*b + i_9) floordiv 17)] = acc_
      }
    }
  }
}
