# run: layout
func @f(%x: f32[1, 8, 6, 6]) -> (%y: f32[1, 10]) {
  %k = const random(1, 0.1) : f32[16, 8, 3, 3]
  %w = const random(2, 0.1) : f32[256, 10]
  %v = window %x {axes = [2, 3], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], out = [4, 4]}
  %c = contract %v, %k {lhs = "ncpqrs", rhs = "ocrs", out = "nopq"}
  %f = reshape %c {dims = [1, 256]}
  %y = contract %f, %w {lhs = "nk", rhs = "km", out = "nm"}
  return %y
}
---
func @f(%x: f32[1, 8, 6, 6]) -> (%y: f32[1, 10]) {
  %k = const random(1, 0.1) : f32[16, 8, 3, 3]
  %w = const random(2, 0.1) : f32[256, 10]
  %0 = transpose %x {perm = [0, 2, 3, 1]} : f32[1, 6, 6, 8]
  %1 = pad %0 {lo = [0, 0, 0, 0], hi = [0, 0, 0, 0]} : f32[1, 6, 6, 8]
  %2 = window %1 {axes = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], out = [4, 4]} : f32[1, 4, 4, 8, 3, 3]
  %3 = transpose %2 {perm = [0, 1, 2, 4, 5, 3]} : f32[1, 4, 4, 3, 3, 8]
  %4 = contract %3, %k {lhs = "npqrsc", rhs = "ocrs", out = "npqo"} : f32[1, 4, 4, 16]
  %5 = reshape %w {dims = [16, 4, 4, 10]} : f32[16, 4, 4, 10]
  %y = contract %4, %5 {lhs = "nbca", rhs = "abcm", out = "nm"} : f32[1, 10]
  return %y
}
