# frit: opt %s -p core --precision=bf16
func @mm(%x: f32[B, 8], %w: f32[8, 4]) -> (%y: f32[B, 4]) {
  %p = matmul %x, %w : f32[B, 4]
  %y = relu %p : f32[B, 4]
  return %y
}
---
func @mm(%x: f32[B, 8], %w: f32[8, 4]) -> (%y: f32[B, 4]) where B in 1..65536 {
  %0 = cast %x {to = bf16} : bf16[B, 8]
  %1 = cast %w {to = bf16} : bf16[8, 4]
  %p = contract %0, %1 {lhs = "mk", rhs = "kn", out = "mn"} : f32[B, 4]
  %2 = const splat(0) : f32[]
  %y = max %p, %2 : f32[B, 4]
  return %y
}
