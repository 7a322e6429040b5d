# run: canonicalize
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) {
  %c = const splat(1) : f32[]
  %a = hypot %x, %c
  %r = add %a, %y
  return %r
}
---
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) where B in 1..65536 {
  %c = const splat(1) : f32[]
  %a = hypot %x, %c : f32[B, 3]
  %r = add %a, %y : f32[B, 3]
  return %r
}
