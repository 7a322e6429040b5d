# run: decompose
# assumes: finite weights, as zeros of padding are multiplied
func @f(%x: f32[N, 3, 8, 8], %w: f32[4, 3, 3, 3], %b: f32[4]) -> (%y: f32[N, 4, 8, 8]) {
  %y0 = conv %x, %w, %b {pads = [1, 1, 1, 1]}
  return %y0
}
---
func @f(%x: f32[N, 3, 8, 8], %w: f32[4, 3, 3, 3], %b: f32[4]) -> (%y: f32[N, 4, 8, 8]) where N in 1..65536 {
  %0 = window %x {axes = [2, 3], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [8, 8]} : f32[N, 3, 8, 8, 3, 3]
  %1 = contract %0, %w {lhs = "ncpqrs", rhs = "ocrs", out = "nopq"} : f32[N, 4, 8, 8]
  %2 = reshape %b {dims = [1, 4, 1, 1]} : f32[1, 4, 1, 1]
  %y0 = add %1, %2 : f32[N, 4, 8, 8]
  return %y0
}
