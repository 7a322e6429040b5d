# run: widen_channels
func @conv(%x: u8[N, 3, 8, 8], %k: i8[1, 3, 2, 2]) -> (%y: i32[N, 1, 7, 7]) {
  %v = window %x {axes = [2, 3], sizes = [2, 2], strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], out = [7, 7]} : u8[N, 3, 7, 7, 2, 2]
  %y = contract %v, %k {lhs = "ncpqrs", rhs = "ocrs", out = "nopq"} : i32[N, 1, 7, 7]
  return %y
}
---
func @conv(%x: u8[N, 3, 8, 8], %k: i8[1, 3, 2, 2]) -> (%y: i32[N, 1, 7, 7]) where N in 1..65536 {
  %v = window %x {axes = [2, 3], sizes = [2, 2], strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], out = [7, 7]} : u8[N, 3, 7, 7, 2, 2]
  %y = contract %v, %k {lhs = "ncpqrs", rhs = "ocrs", out = "nopq"} : i32[N, 1, 7, 7]
  return %y
}
