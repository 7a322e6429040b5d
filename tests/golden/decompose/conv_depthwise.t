# run: decompose
# assumes: finite weights, as zeros of padding are multiplied
func @f(%x: f32[2, 4, 6, 5], %w: f32[4, 1, 3, 2], %b: f32[4]) -> (%y: f32[2, 4, 6, 4]) {
  %y0 = conv %x, %w, %b {groups = 4, dilations = [2, 1], pads = [2, 0, 2, 0]}
  return %y0
}
---
func @f(%x: f32[2, 4, 6, 5], %w: f32[4, 1, 3, 2], %b: f32[4]) -> (%y: f32[2, 4, 6, 4]) {
  %0 = window %x {axes = [2, 3], sizes = [3, 2], strides = [1, 1], dilations = [2, 1], pads = [2, 0, 2, 0], out = [6, 4]} : f32[2, 4, 6, 4, 3, 2]
  %1 = reshape %w {dims = [4, 3, 2]} : f32[4, 3, 2]
  %2 = contract %0, %1 {lhs = "ngpqrs", rhs = "grs", out = "ngpq"} : f32[2, 4, 6, 4]
  %3 = reshape %b {dims = [1, 4, 1, 1]} : f32[1, 4, 1, 1]
  %y0 = add %2, %3 : f32[2, 4, 6, 4]
  return %y0
}
