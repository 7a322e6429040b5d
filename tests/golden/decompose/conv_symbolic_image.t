# run: decompose
# assumes: finite weights, as zeros of padding are multiplied
func @f(%x: f32[1, 2, H, W], %w: f32[3, 2, 3, 3]) -> (%y: f32[1, 3, H floordiv 2, W floordiv 2]) where H in 4..9, W in 4..9 {
  %y0 = conv %x, %w {strides = [2, 2], pads = [0, 0, 1, 1]}
  return %y0
}
---
func @f(%x: f32[1, 2, H, W], %w: f32[3, 2, 3, 3]) -> (%y: f32[1, 3, H floordiv 2, W floordiv 2]) where H in 4..9, W in 4..9 {
  %0 = window %x {axes = [2, 3], sizes = [3, 3], strides = [2, 2], dilations = [1, 1], pads = [0, 0, 1, 1], out = [H floordiv 2, W floordiv 2]} : f32[1, 2, H floordiv 2, W floordiv 2, 3, 3]
  %y0 = contract %0, %w {lhs = "ncpqrs", rhs = "ocrs", out = "nopq"} : f32[1, 3, H floordiv 2, W floordiv 2]
  return %y0
}
