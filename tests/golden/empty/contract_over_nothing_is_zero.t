# run: empty
func @f(%x: f32[M, 0], %w: f32[0, 4]) -> (%y: f32[M, 4]) {
  %y = contract %x, %w {lhs = "mk", rhs = "kn", out = "mn"}
  return %y
}
---
func @f(%x: f32[M, 0], %w: f32[0, 4]) -> (%y: f32[M, 4]) where M in 1..65536 {
  %0 = const splat(0) : f32[]
  %y = broadcast %0 {dims = [M, 4]} : f32[M, 4]
  return %y
}
