# run: broadcast_operands,decompose
func @f(%x: f32[n, 2, 4], %y: f32[m, 4, 3]) -> (%z: f32[max(m, n), 2, 3]) {
  %z = matmul %x, %y
  return %z
}
---
func @f(%x: f32[n, 2, 4], %y: f32[m, 4, 3]) -> (%z: f32[max(m, n), 2, 3]) where n in 1..65536, m in 1..65536, require n ~ m "matmul: sizes" {
  %0 = broadcast %x {dims = [max(m, n), 2, 4]} : f32[max(m, n), 2, 4]
  %1 = broadcast %y {dims = [max(m, n), 4, 3]} : f32[max(m, n), 4, 3]
  %z = contract %0, %1 {lhs = "Amk", rhs = "Akn", out = "Amn"} : f32[max(m, n), 2, 3]
  return %z
}
