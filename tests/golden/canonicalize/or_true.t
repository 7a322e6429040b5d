# run: canonicalize
func @f(%x: bool[B, 3], %y: bool[B, 3]) -> (%z: bool[B, 3]) {
  %c = const splat(true) : bool[]
  %a = or %x, %c
  %r = eq %a, %y
  return %r
}
---
func @f(%x: bool[B, 3], %y: bool[B, 3]) -> (%z: bool[B, 3]) where B in 1..65536 {
  %c = const splat(true) : bool[]
  %r = eq %c, %y : bool[B, 3]
  return %r
}
