# run: canonicalize
func @f(%x: f32[B, 1, 6]) -> (%z: f32[B, 6]) {
  %a = reduce %x {kind = max, axes = [1]}
  return %a
}
---
func @f(%x: f32[B, 1, 6]) -> (%z: f32[B, 6]) where B in 1..65536 {
  %a = reshape %x {dims = [B, 6]} : f32[B, 6]
  return %a
}
