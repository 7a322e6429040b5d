# run: decompose
# assumes: finite weights, as zeros of padding are multiplied
func @f(%x: f32[1, 4, 3, 3], %w: f32[4, 2, 2, 2]) -> (%y: f32[1, 4, 5, 6]) {
  %y0 = conv_transpose %x, %w {strides = [1, 2], dilations = [2, 1], groups = 2}
  return %y0
}
---
func @f(%x: f32[1, 4, 3, 3], %w: f32[4, 2, 2, 2]) -> (%y: f32[1, 4, 5, 6]) {
  %0 = reshape %x {dims = [1, 4, 3, 3, 1]} : f32[1, 4, 3, 3, 1]
  %1 = pad %0 {lo = [0, 0, 0, 0, 0], hi = [0, 0, 0, 0, 1]} : f32[1, 4, 3, 3, 2]
  %2 = reshape %1 {dims = [1, 4, 3, 6]} : f32[1, 4, 3, 6]
  %3 = slice %w {starts = [0, 0, 1, 0], sizes = [4, 2, 2, 2], steps = [1, 1, -1, 1]} : f32[4, 2, 2, 2]
  %4 = slice %3 {starts = [0, 0, 0, 1], sizes = [4, 2, 2, 2], steps = [1, 1, 1, -1]} : f32[4, 2, 2, 2]
  %5 = reshape %2 {dims = [1, 2, 2, 3, 6]} : f32[1, 2, 2, 3, 6]
  %6 = window %5 {axes = [3, 4], sizes = [2, 2], strides = [1, 1], dilations = [2, 1], pads = [2, 1, 2, 0], out = [5, 6]} : f32[1, 2, 2, 5, 6, 2, 2]
  %7 = reshape %4 {dims = [2, 2, 2, 2, 2]} : f32[2, 2, 2, 2, 2]
  %8 = contract %6, %7 {lhs = "ngcpqrs", rhs = "gcors", out = "ngopq"} : f32[1, 2, 2, 5, 6]
  %y0 = reshape %8 {dims = [1, 4, 5, 6]} : f32[1, 4, 5, 6]
  return %y0
}
