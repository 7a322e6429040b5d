# run: widen_channels
func @conv(%x: u8[N, 4, 8, 8]) -> (%y: i32[N, 1, 7, 7]) {
  %k = const dense<-2, -1, 0, 1, 2, -2, -1, 0, 1, 2, -2, -1, 0, 1, 2, -2> : i8[1, 4, 2, 2]
  %v = window %x {axes = [2, 3], sizes = [2, 2], strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], out = [7, 7]} : u8[N, 4, 7, 7, 2, 2]
  %y = contract %v, %k {lhs = "ncpqrs", rhs = "ocrs", out = "nopq"} : i32[N, 1, 7, 7]
  return %y
}
---
func @conv(%x: u8[N, 4, 8, 8]) -> (%y: i32[N, 1, 7, 7]) where N in 1..65536 {
  %k = const dense<-2, -1, 0, 1, 2, -2, -1, 0, 1, 2, -2, -1, 0, 1, 2, -2> : i8[1, 4, 2, 2]
  %v = window %x {axes = [2, 3], sizes = [2, 2], strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], out = [7, 7]} : u8[N, 4, 7, 7, 2, 2]
  %y = contract %v, %k {lhs = "ncpqrs", rhs = "ocrs", out = "nopq"} : i32[N, 1, 7, 7]
  return %y
}
