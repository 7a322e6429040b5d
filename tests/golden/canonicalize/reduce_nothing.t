# run: canonicalize
func @f(%x: f32[B, 6]) -> (%z: f32[B, 6]) {
  %a = reduce %x
  return %a
}
---
func @f(%x: f32[B, 6]) -> (%z: f32[B, 6]) where B in 1..65536 {
  return %x
}
