# run: canonicalize
func @f(%x: f32[1, 3], %y: f32[3]) -> (%z: f32[4, 3]) {
  %a = broadcast %y {dims = [4, 3]}
  %r = mul %a, %x
  return %r
}
---
func @f(%x: f32[1, 3], %y: f32[3]) -> (%z: f32[4, 3]) {
  %a = broadcast %y {dims = [4, 3]} : f32[4, 3]
  %r = mul %a, %x : f32[4, 3]
  return %r
}
