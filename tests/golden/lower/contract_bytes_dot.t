# frit: opt %s -p core,lower
# input: tests/lower/contract_bytes_dot.fir
---
plan @dots {
  input 0 x: u8[B, 37]
  input 1 w: i8[B, 37]
  output 0 y: i32[B]
  arena bytes 0
  scratch bytes 0
  contract_0(x, w, out y)    -- contract
}

kernel @contract_0(x: u8[B, 37], w: i8[B, 37], out y: i32[B]) where B in 1..100 {
  title "contract"
  schedule cpu lanes 32 unroll 4
  flops 37*B
  bytes 78*B
  axis i_1 < B, r < 37
  phase {
    par i_1 < B {
      acc acc_: sum i32 lanes 32
      vec r < 37 by 8 x 4 {
        acc_ <- i32(x[i_1, r]) * i32(w[i_1, r])
      }
      y[i_1] = acc_
    }
  }
}
