# run: broadcast_operands
func @f(%x: f32[n, 3], %y: f32[5, 3]) -> (%z: f32[5, 3]) {
  %z = add %x, %y
  return %z
}
---
func @f(%x: f32[n, 3], %y: f32[5, 3]) -> (%z: f32[5, 3]) where n in 1..5 @5, require n ~ 5 "add: sizes" {
  %0 = broadcast %x {dims = [5, 3]} : f32[5, 3]
  %z = add %0, %y : f32[5, 3]
  return %z
}
