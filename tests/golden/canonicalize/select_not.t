# run: canonicalize
func @f(%c: bool[B, 3], %x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) {
  %a = not %c
  %r = select %a, %x, %y
  return %r
}
---
func @f(%c: bool[B, 3], %x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) where B in 1..65536 {
  %r = select %c, %y, %x : f32[B, 3]
  return %r
}
