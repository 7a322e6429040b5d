# run: canonicalize
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) {
  %c = const splat(true) : bool[]
  %a = neg %x
  %r = select %c, %a, %y
  return %r
}
---
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) where B in 1..65536 {
  %a = neg %x : f32[B, 3]
  return %a
}
