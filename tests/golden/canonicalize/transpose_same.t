# run: canonicalize
func @f(%x: f32[B, 3]) -> (%z: f32[B, 3]) {
  %a = transpose %x {perm = [0, 1]}
  return %a
}
---
func @f(%x: f32[B, 3]) -> (%z: f32[B, 3]) where B in 1..65536 {
  return %x
}
