# run: canonicalize
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) {
  %a = floor %x
  %b = floor %a
  %r = mul %b, %y
  return %r
}
---
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) where B in 1..65536 {
  %a = floor %x : f32[B, 3]
  %r = mul %a, %y : f32[B, 3]
  return %r
}
