# frit: opt %s -p core,lower
# input: tests/lower/rows_overlap.fir
---
plan @rows {
  input 0 x: f32[70, 101]
  output 2 s: f32[70, 1]
  output 0 y: f32[70, 101]
  output 1 l: f32[70, 101]
  output 3 top: i64[70]
  input 1 z: f32[B, 65, 40]
  output 4 w: f32[B, 65, 40]
  arena bytes 0
  scratch bytes 2176
  reduce_0(x, out s, out y, out l, out top)    -- reduce + sub + exp + reduce + div + log + sub + reduce
  reduce_1(z, out w)    -- reduce + sub + exp + reduce + div
}

kernel @reduce_0(x: f32[70, 101], out s: f32[70, 1], out y: f32[70, 101], out l: f32[70, 101], out top: i64[70]) {
  title "reduce + sub + exp + reduce + div + log + sub + reduce"
  schedule cpu lanes 32 unroll 4 grain 32
  flops 76836
  bytes 85680
  tile rows: f32[4]
  tile row: f32[2, 101] strides [384, 1]
  tile rows_1: f32[4]
  tile rows_2: f32[4]
  axis r < 101, b < 3, t < min(-32*b + 70, 32) + 2, z < 4, z_1 < 4, z_2 < 4
  phase {
    par b < 3 {
      vec z < 4 by 4 x 1 {
        rows[z] = 0.0
      }
      vec z_1 < 4 by 4 x 1 {
        rows_1[z_1] = 0.0
      }
      vec z_2 < 4 by 4 x 1 {
        rows_2[z_2] = 0.0
      }
      seq t < min(-32*b + 70, 32) + 2 prefetch 10 {
        acc acc_: max f32 lanes 32
        let v = rows[(t + 3) mod 4]
        acc acc__1: sum f32 lanes 32
        let v_1 = rows[(t + 2) mod 4]
        let v_2 = rows_1[(t + 2) mod 4]
        let v_3 = rows_2[(t + 2) mod 4]
        acc acc__2: argmax f32 lanes 32
        vec r < 101 by 8 x 4 {
          if index(t) < index(min(-32*b + 70, 32)) {
            acc_ <- x[32*b + t, r]
          }
          if index(t - 1) >= 0 & index(t - 1) < index(min(-32*b + 70, 32)) {
            let e = exp(x[32*b + t - 1, r] - v)
            row[(t + 1) mod 2, r] = e
            acc__1 <- e
          }
          if index(t - 2) >= 0 {
            y[32*b + t - 2, r] = row[t mod 2, r] / v_2
            l[32*b + t - 2, r] = x[32*b + t - 2, r] - v_1 - v_3
            acc__2 <- (row[t mod 2, r] / v_2, index(r))
          }
        }
        if index(t) < index(min(-32*b + 70, 32)) {
          rows[t mod 4] = acc_
        }
        if index(t - 1) >= 0 & index(t - 1) < index(min(-32*b + 70, 32)) {
          rows_1[(t + 3) mod 4] = acc__1
          s[32*b + t - 1, 0] = acc__1
          let v_4 = log(acc__1)
          rows_2[(t + 3) mod 4] = v_4
        }
        if index(t - 2) >= 0 {
          top[32*b + t - 2] = acc__2.1
        }
      }
    }
  }
}

kernel @reduce_1(z: f32[B, 65, 40], out w: f32[B, 65, 40]) where B in 1..65536 {
  title "reduce + sub + exp + reduce + div"
  schedule cpu lanes 32 unroll 4 grain 32
  flops 13600*B + 6800*((B + 31) floordiv 32)
  bytes 20800*B
  tile rows: f32[4]
  tile row: f32[2, 40] strides [320, 1]
  tile rows_1: f32[4]
  axis r_1 < 40, b_1 < 2*B + (B + 31) floordiv 32, t_1 < min(65*B - 32*b_1, 32) + 2, z_3 < 4, z_4 < 4
  phase {
    par b_1 < 2*B + (B + 31) floordiv 32 {
      vec z_3 < 4 by 4 x 1 {
        rows[z_3] = 0.0
      }
      vec z_4 < 4 by 4 x 1 {
        rows_1[z_4] = 0.0
      }
      seq t_1 < min(65*B - 32*b_1, 32) + 2 prefetch 32 {
        acc acc_: max f32 lanes 32
        let v = rows[(t_1 + 3) mod 4]
        acc acc__1: sum f32 lanes 32
        let v_1 = rows[(t_1 + 2) mod 4]
        let v_2 = rows_1[(t_1 + 2) mod 4]
        vec r_1 < 40 by 8 x 4 {
          if index(t_1) < index(min(65*B - 32*b_1, 32)) {
            acc_ <- z[(32*b_1 + t_1) floordiv 65, 32*b_1 + t_1 - 65*((32*b_1 + t_1) floordiv 65), r_1]
          }
          if index(t_1 - 1) >= 0 & index(t_1 - 1) < index(min(65*B - 32*b_1, 32)) {
            let e = exp(z[(32*b_1 + t_1 + 64) floordiv 65 - 1, 32*b_1 + t_1 - 65*((32*b_1 + t_1 + 64) floordiv 65) + 64, r_1] - v)
            row[(t_1 + 1) mod 2, r_1] = e
            acc__1 <- e
          }
          if index(t_1 - 2) >= 0 {
            w[(32*b_1 + t_1 + 63) floordiv 65 - 1, 32*b_1 + t_1 - 65*((32*b_1 + t_1 + 63) floordiv 65) + 63, r_1] = row[t_1 mod 2, r_1] / v_2
          }
        }
        if index(t_1) < index(min(65*B - 32*b_1, 32)) {
          rows[t_1 mod 4] = acc_
        }
        if index(t_1 - 1) >= 0 & index(t_1 - 1) < index(min(65*B - 32*b_1, 32)) {
          rows_1[(t_1 + 3) mod 4] = acc__1
        }
      }
    }
  }
}
