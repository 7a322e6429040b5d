# run: decompose
func @f(%x: f32[2, 4, 6], %w: f32[6, 2, 3]) -> (%y: f32[2, 6, 2]) {
  %y0 = conv %x, %w {groups = 2, strides = [2]}
  return %y0
}
---
func @f(%x: f32[2, 4, 6], %w: f32[6, 2, 3]) -> (%y: f32[2, 6, 2]) {
  %0 = reshape %x {dims = [2, 2, 2, 6]} : f32[2, 2, 2, 6]
  %1 = window %0 {axes = [3], sizes = [3], strides = [2], dilations = [1], pads = [0, 0], out = [2]} : f32[2, 2, 2, 2, 3]
  %2 = reshape %w {dims = [2, 3, 2, 3]} : f32[2, 3, 2, 3]
  %3 = contract %1, %2 {lhs = "ngcpr", rhs = "gocr", out = "ngop"} : f32[2, 2, 3, 2]
  %y0 = reshape %3 {dims = [2, 6, 2]} : f32[2, 6, 2]
  return %y0
}
