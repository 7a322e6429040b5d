# run: broadcast_operands
func @f(%x: f32[n, 3], %y: f32[m, 3]) -> (%z: f32[m, 3]) {
  %b = broadcast %x {dims = [m, 3]}
  %z = add %b, %y
  return %z
}
---
func @f(%x: f32[n, 3], %y: f32[m, 3]) -> (%z: f32[m, 3]) where n in 1..65536, m in 1..65536, require n ~> m "broadcast: sizes" {
  %b = broadcast %x {dims = [m, 3]} : f32[m, 3]
  %z = add %b, %y : f32[m, 3]
  return %z
}
