# run: canonicalize
func @f(%x: f32[B, 6]) -> (%z: f32[B, 6]) {
  %a = slice %x {starts = [0, 0], sizes = [B, 2]}
  %b = slice %x {starts = [0, 2], sizes = [B, 4]}
  %d = concat %a, %b {axis = 1}
  return %d
}
---
func @f(%x: f32[B, 6]) -> (%z: f32[B, 6]) where B in 1..65536 {
  return %x
}
