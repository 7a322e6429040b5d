# run: decompose, raise_bf16
func @f(%x: f32[B, 4], %w: bf16[4, 3]) -> (%y: f32[B, 3]) {
  %u = cast %w {to = f32}
  %y = matmul %x, %u
  return %y
}
---
func @f(%x: f32[B, 4], %w: bf16[4, 3]) -> (%y: f32[B, 3]) where B in 1..65536 {
  %u = cast %w {to = f32} : f32[4, 3]
  %y = contract %x, %u {lhs = "mk", rhs = "kn", out = "mn"} : f32[B, 3]
  return %y
}
