# run: decompose, raise_bf16
func @f(%x: bf16[B, 4], %w: bf16[3, 4]) -> (%y: bf16[B, 3]) {
  %t = transpose %w {perm = [1, 0]}
  %y = matmul %x, %t
  return %y
}
---
func @f(%x: bf16[B, 4], %w: bf16[3, 4]) -> (%y: bf16[B, 3]) where B in 1..65536 {
  %t = transpose %w {perm = [1, 0]} : bf16[4, 3]
  %0 = contract %x, %t {lhs = "mk", rhs = "kn", out = "mn"} : f32[B, 3]
  %y = cast %0 {to = bf16} : bf16[B, 3]
  return %y
}
