# frit: opt %s -p core,lower
# input: tests/lower/reduce_of_a_transposed_member.fir
---
plan @f {
  input 0 x: f32[T, B, 4]
  input 1 w: f32[B, T]
  output 0 y: f32[4, B, T]
  arena bytes 0
  scratch bytes 0
  exp_0(x, w, out y)    -- exp + mul + reduce + div + add + sqrt + div + 2 x mul
}

kernel @exp_0(x: f32[T, B, 4], w: f32[B, T], out y: f32[4, B, T]) where T in 1..65536, B in 1..65536 {
  title "exp + mul + reduce + div + add + sqrt + div + 2 x mul"
  schedule cpu lanes 1 unroll 4
  flops 24*B*T + 20
  bytes 36*B*T
  axis r < T, r_1 < B, b < 1, i_3 < -64*b + 4
  phase {
    par b < 1 {
      vec i_3 < -64*b + 4 by 8 x 1 {
        acc acc_: sum f32
        seq r < T {
          seq r_1 < B {
            $1 = exp(x[r, r_1, 64*b + i_3])
            acc_ <- $1 * $1
          }
        }
        let v = acc_ / f32(index(B*T))
        let v_1 = v + 0.0010000000474974513
        let v_2 = sqrt(v_1)
        let v_3 = 1.0 / v_2
        seq r < T {
          seq r_1 < B {
            y[64*b + i_3, r_1, r] = exp(x[r, r_1, 64*b + i_3]) * v_3 * w[r_1, r]
          }
        }
      }
    }
  }
}
