# run: broadcast_operands
func @f(%x: f32[n, 1, 3], %y: f32[m, 4, 3], %b: f32[3]) -> (%z: f32[max(m, n), 4, 3]) {
  %s = add %x, %y
  %t = mul %s, %b
  %u = sub %t, %x
  return %u
}
---
func @f(%x: f32[n, 1, 3], %y: f32[m, 4, 3], %b: f32[3]) -> (%z: f32[max(m, n), 4, 3]) where n in 1..65536, m in 1..65536, require n ~ m "add: sizes" {
  %0 = broadcast %x {dims = [max(m, n), 1, 3]} : f32[max(m, n), 1, 3]
  %1 = broadcast %y {dims = [max(m, n), 4, 3]} : f32[max(m, n), 4, 3]
  %s = add %0, %1 : f32[max(m, n), 4, 3]
  %t = mul %s, %b : f32[max(m, n), 4, 3]
  %u = sub %t, %0 : f32[max(m, n), 4, 3]
  return %u
}
