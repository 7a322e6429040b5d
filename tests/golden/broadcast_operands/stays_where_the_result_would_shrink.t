# run: broadcast_operands,canonicalize
func @f(%x: f32[n, 3], %y: f32[m, 3]) -> (%z: f32[max(m, n), 3]) {
  %z = add %x, %y
  return %z
}
---
func @f(%x: f32[n, 3], %y: f32[m, 3]) -> (%z: f32[max(m, n), 3]) where n in 1..65536, m in 1..65536, require n ~ m "add: sizes" {
  %0 = broadcast %x {dims = [max(m, n), 3]} : f32[max(m, n), 3]
  %1 = broadcast %y {dims = [max(m, n), 3]} : f32[max(m, n), 3]
  %z = add %0, %1 : f32[max(m, n), 3]
  return %z
}
