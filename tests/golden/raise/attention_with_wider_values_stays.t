# run: canonicalize, raise, canonicalize
func @f(%q: f16[B, 2, S, 4], %k: f16[B, 2, T, 4], %v: f32[B, 2, T, 3]) -> (%y: f32[B, 2, S, 3]) {
  %t = transpose %k {perm = [0, 1, 3, 2]}
  %s = matmul %q, %t
  %z = cast %s {to = f32} : f32[B, 2, S, T]
  %p = softmax %z
  %r = matmul %p, %v
  return %r
}
---
func @f(%q: f16[B, 2, S, 4], %k: f16[B, 2, T, 4], %v: f32[B, 2, T, 3]) -> (%y: f32[B, 2, S, 3]) where B in 1..65536, S in 1..65536, T in 1..65536 {
  %t = transpose %k {perm = [0, 1, 3, 2]} : f16[B, 2, 4, T]
  %s = matmul %q, %t : f16[B, 2, S, T]
  %z = cast %s {to = f32} : f32[B, 2, S, T]
  %p = softmax %z {axis = 3} : f32[B, 2, S, T]
  %r = matmul %p, %v : f32[B, 2, S, 3]
  return %r
}
