# run: canonicalize
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) {
  %c = const splat(0) : f32[]
  %a = hypot %c, %x
  %r = add %a, %y
  return %r
}
---
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) where B in 1..65536 {
  %a = abs %x : f32[B, 3]
  %r = add %a, %y : f32[B, 3]
  return %r
}
