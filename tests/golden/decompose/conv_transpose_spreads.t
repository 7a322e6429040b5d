# run: decompose
# assumes: finite weights, as zeros of padding are multiplied
func @f(%x: f32[2, 3, 4], %w: f32[3, 2, 3], %b: f32[2]) -> (%y: f32[2, 2, 8]) {
  %y0 = conv_transpose %x, %w, %b {strides = [2], pads = [1, 1], output_pads = [1]}
  return %y0
}
---
func @f(%x: f32[2, 3, 4], %w: f32[3, 2, 3], %b: f32[2]) -> (%y: f32[2, 2, 8]) {
  %0 = reshape %x {dims = [2, 3, 4, 1]} : f32[2, 3, 4, 1]
  %1 = pad %0 {lo = [0, 0, 0, 0], hi = [0, 0, 0, 1]} : f32[2, 3, 4, 2]
  %2 = reshape %1 {dims = [2, 3, 8]} : f32[2, 3, 8]
  %3 = slice %w {starts = [0, 0, 2], sizes = [3, 2, 3], steps = [1, 1, -1]} : f32[3, 2, 3]
  %4 = window %2 {axes = [2], sizes = [3], strides = [1], dilations = [1], pads = [1, 1], out = [8]} : f32[2, 3, 8, 3]
  %5 = contract %4, %3 {lhs = "ncpr", rhs = "cor", out = "nop"} : f32[2, 2, 8]
  %6 = reshape %b {dims = [1, 2, 1]} : f32[1, 2, 1]
  %y0 = add %5, %6 : f32[2, 2, 8]
  return %y0
}
