# run: canonicalize
func @f(%x: f32[B, 3], %y: f32[3]) -> (%z: f32[B, 3]) {
  %a = broadcast %y {dims = [B, 3]}
  %r = mul %a, %x
  return %r
}
---
func @f(%x: f32[B, 3], %y: f32[3]) -> (%z: f32[B, 3]) where B in 1..65536 {
  %r = mul %y, %x : f32[B, 3]
  return %r
}
