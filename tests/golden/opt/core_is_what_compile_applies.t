# frit: opt %s -p core
func @mm(%x: f32[B, 8], %w: f32[8, 4]) -> (%y: f32[B, 4]) {
  %p = matmul %x, %w : f32[B, 4]
  %y = relu %p : f32[B, 4]
  return %y
}
---
func @mm(%x: f32[B, 8], %w: f32[8, 4]) -> (%y: f32[B, 4]) where B in 1..65536 {
  %p = contract %x, %w {lhs = "mk", rhs = "kn", out = "mn"} : f32[B, 4]
  %0 = const splat(0) : f32[]
  %y = max %p, %0 : f32[B, 4]
  return %y
}
