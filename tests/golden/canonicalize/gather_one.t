# run: canonicalize
func @f(%x: f32[B, 3, 6]) -> (%z: f32[B, 6]) {
  %i = const splat(-1) : i64[]
  %a = gather %x, %i {axis = 1}
  return %a
}
---
func @f(%x: f32[B, 3, 6]) -> (%z: f32[B, 6]) where B in 1..65536 {
  %0 = slice %x {starts = [0, 2, 0], sizes = [B, 1, 6], steps = [1, 1, 1]} : f32[B, 1, 6]
  %a = reshape %0 {dims = [B, 6]} : f32[B, 6]
  return %a
}
