# run: canonicalize
func @f(%x: f32[B, 4, S, 8]) -> (%z: f32[B, 4, 8, S]) {
  %a = reshape %x {dims = [4*B, S, 8]}
  %b = transpose %a {perm = [0, 2, 1]}
  %d = reshape %b {dims = [B, 4, 8, S]}
  return %d
}
---
func @f(%x: f32[B, 4, S, 8]) -> (%z: f32[B, 4, 8, S]) where B in 1..65536, S in 1..65536 {
  %d = transpose %x {perm = [0, 1, 3, 2]} : f32[B, 4, 8, S]
  return %d
}
