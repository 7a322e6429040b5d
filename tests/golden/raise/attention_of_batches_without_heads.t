# run: canonicalize, raise, canonicalize
func @f(%q: f32[B, S, 4], %k: f32[B, T, 4], %v: f32[B, T, 3]) -> (%y: f32[B, S, 3]) {
  %t = transpose %k {perm = [0, 2, 1]}
  %z = matmul %q, %t
  %p = softmax %z
  %r = matmul %p, %v
  return %r
}
---
func @f(%q: f32[B, S, 4], %k: f32[B, T, 4], %v: f32[B, T, 3]) -> (%y: f32[B, S, 3]) where B in 1..65536, S in 1..65536, T in 1..65536 {
  %r = attend %q, %k, %v {scale = 1, masked_nan = true} : f32[B, S, 3]
  return %r
}
