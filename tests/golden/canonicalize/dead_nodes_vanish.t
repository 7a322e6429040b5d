# run: canonicalize
func @f(%x: f32[B]) -> (%z: f32[B]) {
  %a = exp %x
  %b = neg %a
  return %a
}
---
func @f(%x: f32[B]) -> (%z: f32[B]) where B in 1..65536 {
  %a = exp %x : f32[B]
  return %a
}
