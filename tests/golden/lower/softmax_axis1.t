# frit: opt %s -p core,lower
# input: tests/lower/softmax_axis1.fir
---
plan @s {
  input 0 x: f32[B, S, 9]
  output 0 y: f32[B, S, 9]
  arena bytes 0
  scratch bytes 0
  reduce_0(x, out y)    -- reduce + sub + exp + reduce + div + mul
}

kernel @reduce_0(x: f32[B, S, 9], out y: f32[B, S, 9]) where B in 1..65536, S in 1..65536 {
  title "reduce + sub + exp + reduce + div + mul"
  schedule cpu lanes 1 unroll 4
  flops 63*B*S + 9*B
  bytes 72*B*S
  axis i_1 < B, r < S, b < 1, i_3 < -64*b + 9
  phase {
    par i_1 < B {
      par b < 1 {
        vec i_3 < -64*b + 9 by 8 x 1 {
          acc acc_: max f32
          seq r < S {
            acc_ <- x[i_1, r, 64*b + i_3]
          }
          acc acc__1: sum f32
          seq r < S {
            acc__1 <- exp(x[i_1, r, 64*b + i_3] - acc_)
          }
          let v = 1.0 / acc__1
          seq r < S {
            y[i_1, r, 64*b + i_3] = exp(x[i_1, r, 64*b + i_3] - acc_) * v
          }
        }
      }
    }
  }
}
