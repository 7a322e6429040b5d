# frit: opt %s -p core,lower
# input: tests/lower/softmax_core.fir
---
plan @softmax {
  input 0 x: f32[B, 37]
  output 0 y: f32[B, 37]
  arena bytes 0
  scratch bytes 1600
  reduce_0(x, out y)    -- reduce + sub + exp + reduce + div
}

kernel @reduce_0(x: f32[B, 37], out y: f32[B, 37]) where B in 1..65536 {
  title "reduce + sub + exp + reduce + div"
  schedule cpu lanes 32 unroll 4 grain 32
  flops 185*((B + 31) floordiv 32)*min(B, 32) + 370*((B + 31) floordiv 32)
  bytes 296*B
  tile rows: f32[4]
  tile row: f32[2, 37] strides [320, 1]
  tile rows_1: f32[4]
  axis r < 37, b < (B + 31) floordiv 32, t < min(B - 32*b, 32) + 2, z < 4, z_1 < 4
  phase {
    par b < (B + 31) floordiv 32 {
      vec z < 4 by 4 x 1 {
        rows[z] = 0.0
      }
      vec z_1 < 4 by 4 x 1 {
        rows_1[z_1] = 0.0
      }
      seq t < min(B - 32*b, 32) + 2 prefetch 32 {
        acc acc_: max f32 lanes 32
        let v = rows[(t + 3) mod 4]
        acc acc__1: sum f32 lanes 32
        let v_1 = rows[(t + 2) mod 4]
        let v_2 = rows_1[(t + 2) mod 4]
        vec r < 37 by 8 x 4 {
          if index(t) < index(min(B - 32*b, 32)) {
            acc_ <- x[32*b + t, r]
          }
          if index(t - 1) >= 0 & index(t - 1) < index(min(B - 32*b, 32)) {
            let e = exp(x[32*b + t - 1, r] - v)
            row[(t + 1) mod 2, r] = e
            acc__1 <- e
          }
          if index(t - 2) >= 0 {
            y[32*b + t - 2, r] = row[t mod 2, r] / v_2
          }
        }
        if index(t) < index(min(B - 32*b, 32)) {
          rows[t mod 4] = acc_
        }
        if index(t - 1) >= 0 & index(t - 1) < index(min(B - 32*b, 32)) {
          rows_1[(t + 3) mod 4] = acc__1
        }
      }
    }
  }
}
