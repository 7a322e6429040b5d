# run: decompose, raise_bf16, cast_pairs
func @f(%x: bf16[B, 4], %w: bf16[4, 3]) -> (%y: bf16[B, 3]) {
  %a = exp %x
  %y = matmul %a, %w
  return %y
}
---
func @f(%x: bf16[B, 4], %w: bf16[4, 3]) -> (%y: bf16[B, 3]) where B in 1..65536 {
  %0 = cast %x {to = f32} : f32[B, 4]
  %1 = exp %0 : f32[B, 4]
  %a = cast %1 {to = bf16} : bf16[B, 4]
  %2 = contract %a, %w {lhs = "mk", rhs = "kn", out = "mn"} : f32[B, 3]
  %y = cast %2 {to = bf16} : bf16[B, 3]
  return %y
}
