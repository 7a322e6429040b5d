# run: widen_channels
func @conv(%x: bf16[N, 3, 8, 8]) -> (%y: f32[N, 1, 7, 7]) {
  %k = const dense<-1.0, -0.5, 0.0, 0.5, 1.0, -1.0, -0.5, 0.0, 0.5, 1.0, -1.0, -0.5> : bf16[1, 3, 2, 2]
  %v = window %x {axes = [2, 3], sizes = [2, 2], strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], out = [7, 7]} : bf16[N, 3, 7, 7, 2, 2]
  %y = contract %v, %k {lhs = "ncpqrs", rhs = "ocrs", out = "nopq"} : f32[N, 1, 7, 7]
  return %y
}
---
func @conv(%x: bf16[N, 3, 8, 8]) -> (%y: f32[N, 1, 7, 7]) where N in 1..65536 {
  %0 = pad %x {lo = [0, 0, 0, 0], hi = [0, 1, 0, 0]} : bf16[N, 4, 8, 8]
  %1 = window %0 {axes = [2, 3], sizes = [2, 2], strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], out = [7, 7]} : bf16[N, 4, 7, 7, 2, 2]
  %2 = const dense<-1, -0.5, 0, 0.5, 1, -1, -0.5, 0, 0.5, 1, -1, -0.5, 0, 0, 0, 0> : bf16[1, 4, 2, 2]
  %y = contract %1, %2 {lhs = "ncpqrs", rhs = "ocrs", out = "nopq"} : f32[N, 1, 7, 7]
  return %y
}
