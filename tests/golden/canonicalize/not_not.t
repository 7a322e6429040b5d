# run: canonicalize
func @f(%x: bool[B, 3], %y: bool[B, 3]) -> (%z: bool[B, 3]) {
  %a = not %x
  %b = not %a
  %r = and %b, %y
  return %r
}
---
func @f(%x: bool[B, 3], %y: bool[B, 3]) -> (%z: bool[B, 3]) where B in 1..65536 {
  %r = and %x, %y : bool[B, 3]
  return %r
}
