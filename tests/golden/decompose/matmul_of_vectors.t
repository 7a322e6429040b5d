# run: decompose
func @f(%x: f32[7], %z: f32[7]) -> (%y: f32[]) {
  %y0 = matmul %x, %z
  return %y0
}
---
func @f(%x: f32[7], %z: f32[7]) -> (%y: f32[]) {
  %y0 = contract %x, %z {lhs = "k", rhs = "k"} : f32[]
  return %y0
}
