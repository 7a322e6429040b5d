# run: canonicalize
func @f(%x: f32[A, B, C]) -> (%z: f32[A, B, C], %w: f32[B, A, C]) {
  %a = transpose %x {perm = [2, 0, 1]}
  %b = transpose %a {perm = [1, 2, 0]}
  %d = transpose %a {perm = [2, 1, 0]}
  return %b, %d
}
---
func @f(%x: f32[A, B, C]) -> (%z: f32[A, B, C], %w: f32[B, A, C]) where A in 1..65536, B in 1..65536, C in 1..65536 {
  %d = transpose %x {perm = [1, 0, 2]} : f32[B, A, C]
  return %x, %d
}
