# run: canonicalize
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) {
  %a = neg %x
  %r = add %a, %y
  return %r
}
---
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) where B in 1..65536 {
  %r = sub %y, %x : f32[B, 3]
  return %r
}
