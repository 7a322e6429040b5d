# run: layout
func @f(%x: f32[4, 16, 64]) -> (%y: f32[4, 8, 16, 8]) {
  %w = const random(1, 0.1) : f32[64, 64]
  %p = contract %x, %w {lhs = "bsk", rhs = "kn", out = "bsn"}
  %h = reshape %p {dims = [4, 16, 8, 8]}
  %y = transpose %h {perm = [0, 2, 1, 3]}
  return %y
}
---
func @f(%x: f32[4, 16, 64]) -> (%y: f32[4, 8, 16, 8]) {
  %w = const random(1, 0.1) : f32[64, 64]
  %p = contract %x, %w {lhs = "bsk", rhs = "kn", out = "bsn"} : f32[4, 16, 64]
  %h = reshape %p {dims = [4, 16, 8, 8]} : f32[4, 16, 8, 8]
  %y = transpose %h {perm = [0, 2, 1, 3]} : f32[4, 8, 16, 8]
  return %y
}
