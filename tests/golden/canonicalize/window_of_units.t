# run: canonicalize
func @f(%x: f32[B, 3]) -> (%z: f32[B, 3, 1]) {
  %a = window %x {axes = [1], sizes = [1]}
  return %a
}
---
func @f(%x: f32[B, 3]) -> (%z: f32[B, 3, 1]) where B in 1..65536 {
  %a = reshape %x {dims = [B, 3, 1]} : f32[B, 3, 1]
  return %a
}
