# run: canonicalize, raise, canonicalize
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3]) -> (%y: f32[B, 2, S, 3], %w: f32[B, 2, S, T]) {
  %t = transpose %k {perm = [0, 1, 3, 2]}
  %z = matmul %q, %t
  %p = softmax %z
  %r = matmul %p, %v
  return %r, %p
}
---
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3]) -> (%y: f32[B, 2, S, 3], %w: f32[B, 2, S, T]) where B in 1..65536, S in 1..65536, T in 1..65536 {
  %t = transpose %k {perm = [0, 1, 3, 2]} : f32[B, 2, 4, T]
  %z = matmul %q, %t : f32[B, 2, S, T]
  %p = softmax %z {axis = 3} : f32[B, 2, S, T]
  %r = matmul %p, %v : f32[B, 2, S, 3]
  return %r, %p
}
