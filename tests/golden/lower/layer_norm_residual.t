# frit: opt %s -p core,lower
# input: tests/lower/layer_norm_residual.fir
---
plan @norm {
  input 0 x: f32[B, S, 48]
  input 1 r: f32[B, S, 48]
  output 0 s: f32[B, S, 48]
  input 2 w: f32[48]
  input 3 b: f32[48]
  output 1 y: f32[B, S, 48]
  arena bytes 0
  scratch bytes 0
  add_0(x, r, out s, w, b, out y)    -- add + reduce + div + sub + mul + reduce + div + add + sqrt + div + 2 x mul + add
}

kernel @add_0(x: f32[B, S, 48], r: f32[B, S, 48], out s: f32[B, S, 48], w: f32[48], b: f32[48], out y: f32[B, S, 48]) where B in 1..65536, S in 1..65536 {
  title "add + reduce + div + sub + mul + reduce + div + add + sqrt + div + 2 x mul + add"
  schedule cpu lanes 32 unroll 4
  flops 581*B*S
  bytes 768*B*S + 384
  axis r < 48, i_3 < B*S
  phase {
    par i_3 < B*S {
      acc acc_: sum f32 lanes 32
      vec r < 48 by 8 x 4 {
        s[i_3 floordiv S, -S*(i_3 floordiv S) + i_3, r] = x[i_3 floordiv S, -S*(i_3 floordiv S) + i_3, r] + r[i_3 floordiv S, -S*(i_3 floordiv S) + i_3, r]
        acc_ <- x[i_3 floordiv S, -S*(i_3 floordiv S) + i_3, r] + r[i_3 floordiv S, -S*(i_3 floordiv S) + i_3, r]
      }
      let v = acc_ / 48.0
      acc acc__1: sum f32 lanes 32
      vec r < 48 by 8 x 4 {
        $1 = x[i_3 floordiv S, -S*(i_3 floordiv S) + i_3, r] + r[i_3 floordiv S, -S*(i_3 floordiv S) + i_3, r] - v
        acc__1 <- $1 * $1
      }
      let v_1 = acc__1 / 48.0
      let v_2 = v_1 + 9.999999747378752e-06
      let v_3 = sqrt(v_2)
      let v_4 = 1.0 / v_3
      vec r < 48 by 8 x 4 {
        y[i_3 floordiv S, -S*(i_3 floordiv S) + i_3, r] = (x[i_3 floordiv S, -S*(i_3 floordiv S) + i_3, r] + r[i_3 floordiv S, -S*(i_3 floordiv S) + i_3, r] - v) * v_4 * w[r] + b[r]
      }
    }
  }
}
