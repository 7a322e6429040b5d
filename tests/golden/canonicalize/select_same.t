# run: canonicalize
func @f(%c: bool[B, 3], %x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) {
  %a = select %c, %x, %x
  %r = mul %a, %y
  return %r
}
---
func @f(%c: bool[B, 3], %x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) where B in 1..65536 {
  %r = mul %x, %y : f32[B, 3]
  return %r
}
