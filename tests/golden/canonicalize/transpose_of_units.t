# run: canonicalize
func @f(%x: f32[B, 1, 3]) -> (%z: f32[1, B, 3]) {
  %a = transpose %x {perm = [1, 0, 2]}
  return %a
}
---
func @f(%x: f32[B, 1, 3]) -> (%z: f32[1, B, 3]) where B in 1..65536 {
  %a = reshape %x {dims = [1, B, 3]} : f32[1, B, 3]
  return %a
}
