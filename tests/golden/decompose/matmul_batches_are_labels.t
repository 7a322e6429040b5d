# run: decompose
func @f(%x: f32[B, 3, 4], %z: f32[B, 4, 5]) -> (%y: f32[B, 3, 5]) {
  %y0 = matmul %x, %z
  return %y0
}
---
func @f(%x: f32[B, 3, 4], %z: f32[B, 4, 5]) -> (%y: f32[B, 3, 5]) where B in 1..65536 {
  %y0 = contract %x, %z {lhs = "Amk", rhs = "Akn", out = "Amn"} : f32[B, 3, 5]
  return %y0
}
