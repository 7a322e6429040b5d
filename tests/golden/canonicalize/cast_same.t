# run: canonicalize
func @f(%x: f32[B]) -> (%z: f32[B]) {
  %a = cast %x {to = f32}
  return %a
}
---
func @f(%x: f32[B]) -> (%z: f32[B]) where B in 1..65536 {
  return %x
}
