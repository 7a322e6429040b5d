# run: canonicalize
func @f(%x: f32[B, 3]) -> (%z: f32[B, 3]) {
  %a = slice %x {starts = [0, 0], sizes = [B, 3]}
  return %a
}
---
func @f(%x: f32[B, 3]) -> (%z: f32[B, 3]) where B in 1..65536 {
  return %x
}
