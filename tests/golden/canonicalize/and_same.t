# run: canonicalize
func @f(%x: bool[B, 3], %y: bool[B, 3]) -> (%z: bool[B, 3]) {
  %a = and %x, %x
  %r = xor %a, %y
  return %r
}
---
func @f(%x: bool[B, 3], %y: bool[B, 3]) -> (%z: bool[B, 3]) where B in 1..65536 {
  %r = xor %x, %y : bool[B, 3]
  return %r
}
