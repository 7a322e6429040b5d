# run: decompose, to_bf16
func @f(%x: f32[B, 4], %w: f32[4, 3], %b: f32[3]) -> (%y: bf16[B, 3]) {
  %p = matmul %x, %w
  %s = add %p, %b
  %y = cast %s {to = bf16}
  return %y
}
---
func @f(%x: f32[B, 4], %w: f32[4, 3], %b: f32[3]) -> (%y: bf16[B, 3]) where B in 1..65536 {
  %0 = cast %x {to = bf16} : bf16[B, 4]
  %1 = cast %w {to = bf16} : bf16[4, 3]
  %p = contract %0, %1 {lhs = "mk", rhs = "kn", out = "mn"} : f32[B, 3]
  %s = add %p, %b : f32[B, 3]
  %y = cast %s {to = bf16} : bf16[B, 3]
  return %y
}
