# frit: opt %s -p core,lower
# input: tests/lower/chain.fir
---
plan @chain {
  input 0 x: f32[B, S, 7]
  input 1 y: f32[S, 7]
  output 0 o: f32[B, S, 7]
  arena bytes 0
  scratch bytes 0
  add_0(x, y, out o)    -- add + mul + tanh + sub + exp + abs + sqrt + max + 2 x mul + erf + add + mul
}

kernel @add_0(x: f32[B, S, 7], y: f32[S, 7], out o: f32[B, S, 7]) where B in 1..65536, S in 1..65536 {
  title "add + mul + tanh + sub + exp + abs + sqrt + max + 2 x mul + erf + add + mul"
  schedule cpu lanes 8 unroll 2 grain 4096
  flops 13*B*((7*S + 4095) floordiv 4096)*min(7*S, 4096)
  bytes 56*B*S + 28*S
  axis i_1 < B, b < (7*S + 4095) floordiv 4096, i_6 < min(7*S - 4096*b, 4096)
  phase {
    par i_1 < B {
      par b < (7*S + 4095) floordiv 4096 {
        vec i_6 < min(7*S - 4096*b, 4096) by 8 x 2 {
          $1 = max(sqrt(abs(exp(tanh((x[i_1, 585*b + (b + i_6) floordiv 7, b + i_6 - 7*((b + i_6) floordiv 7)] + y[585*b + (b + i_6) floordiv 7, b + i_6 - 7*((b + i_6) floordiv 7)]) * x[i_1, 585*b + (b + i_6) floordiv 7, b + i_6 - 7*((b + i_6) floordiv 7)]) - y[585*b + (b + i_6) floordiv 7, b + i_6 - 7*((b + i_6) floordiv 7)]))), x[i_1, 585*b + (b + i_6) floordiv 7, b + i_6 - 7*((b + i_6) floordiv 7)])
          o[i_1, 585*b + (b + i_6) floordiv 7, b + i_6 - 7*((b + i_6) floordiv 7)] = 0.5 * $1 * (1.0 + erf($1 * 0.7071067690849304))
        }
      }
    }
  }
}
