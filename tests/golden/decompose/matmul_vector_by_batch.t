# run: decompose
func @f(%x: f32[7], %z: f32[3, 7, 2]) -> (%y: f32[3, 2]) {
  %y0 = matmul %x, %z
  return %y0
}
---
func @f(%x: f32[7], %z: f32[3, 7, 2]) -> (%y: f32[3, 2]) {
  %y0 = contract %x, %z {lhs = "k", rhs = "Akn", out = "An"} : f32[3, 2]
  return %y0
}
