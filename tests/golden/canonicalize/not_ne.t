# run: canonicalize
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: bool[B, 3]) {
  %a = ne %x, %y
  %r = not %a
  return %r
}
---
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: bool[B, 3]) where B in 1..65536 {
  %r = eq %x, %y : bool[B, 3]
  return %r
}
