# run: decompose
func @f(%x: f16[3, 4], %z: f16[4, 2]) -> (%y: f16[3, 2]) {
  %y0 = matmul %x, %z
  return %y0
}
---
func @f(%x: f16[3, 4], %z: f16[4, 2]) -> (%y: f16[3, 2]) {
  %0 = cast %x {to = f32} : f32[3, 4]
  %1 = cast %z {to = f32} : f32[4, 2]
  %2 = contract %0, %1 {lhs = "mk", rhs = "kn", out = "mn"} : f32[3, 2]
  %y0 = cast %2 {to = f16} : f16[3, 2]
  return %y0
}
