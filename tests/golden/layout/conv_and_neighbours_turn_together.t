# run: layout
func @f(%x: f32[1, 32, 8, 8]) -> (%y: f32[1, 64, 4, 4]) {
  %w = const random(1, 0.1) : f32[64, 32, 3, 3]
  %b = const random(2, 1) : f32[64]
  %zero = const splat(0) : f32[]
  %a = max %x, %zero
  %v = window %a {axes = [2, 3], sizes = [3, 3], strides = [2, 2], dilations = [1, 1], pads = [1, 1, 1, 1], out = [4, 4]}
  %c = contract %v, %w {lhs = "ncpqrs", rhs = "ocrs", out = "nopq"}
  %bias = reshape %b {dims = [64, 1, 1]}
  %y = add %c, %bias
  return %y
}
---
func @f(%x: f32[1, 32, 8, 8]) -> (%y: f32[1, 64, 4, 4]) {
  %w = const random(1, 0.1) : f32[64, 32, 3, 3]
  %b = const random(2, 1) : f32[64]
  %zero = const splat(0) : f32[]
  %a = max %x, %zero : f32[1, 32, 8, 8]
  %0 = transpose %a {perm = [0, 2, 3, 1]} : f32[1, 8, 8, 32]
  %1 = pad %0 {lo = [0, 1, 1, 0], hi = [0, 1, 1, 0]} : f32[1, 10, 10, 32]
  %2 = window %1 {axes = [1, 2], sizes = [3, 3], strides = [2, 2], dilations = [1, 1], pads = [0, 0, 0, 0], out = [4, 4]} : f32[1, 4, 4, 32, 3, 3]
  %3 = transpose %2 {perm = [0, 1, 2, 4, 5, 3]} : f32[1, 4, 4, 3, 3, 32]
  %4 = contract %3, %w {lhs = "npqrsc", rhs = "ocrs", out = "npqo"} : f32[1, 4, 4, 64]
  %c = transpose %4 {perm = [0, 3, 1, 2]} : f32[1, 64, 4, 4]
  %bias = reshape %b {dims = [64, 1, 1]} : f32[64, 1, 1]
  %y = add %c, %bias : f32[1, 64, 4, 4]
  return %y
}
