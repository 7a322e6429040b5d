# frit: opt %s -p lower --target=cuda
func @f(%x: i32[3]) -> (%y: i4[3]) {
  %y = cast %x {to = i4} : i4[3]
  return %y
}
---
plan @f {
  input 0 x: i32[3]
  output 0 y: i4[3]
  slot 0 y: i4[3]
  slot 0 bytes 64
  arena bytes 64
  scratch bytes 0
  cast_0(x, out y)    -- cast
  copy(y, y)
}

kernel @cast_0(x: i32[3], out y: i4[3]) {
  title "cast"
  schedule cuda lanes 256 threads 256
  flops 0
  bytes 14
  axis b < 1, i_2 < -256*b + 3
  phase {
    par b < 1 {
      thread i_2 < -256*b + 3 by 256 {
        y[256*b + i_2] = i4(x[256*b + i_2])
      }
    }
  }
}
