# run: canonicalize
func @f(%x: f32[B, 3]) -> (%z: f32[B, 3]) {
  %a = pad %x {lo = [0, 0], hi = [0, 0]}
  return %a
}
---
func @f(%x: f32[B, 3]) -> (%z: f32[B, 3]) where B in 1..65536 {
  return %x
}
