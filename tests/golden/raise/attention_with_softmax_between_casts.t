# run: canonicalize, raise_narrow, canonicalize
func @f(%q: f16[B, 2, S, 4], %k: f16[B, 2, T, 4], %v: f16[B, 2, T, 3]) -> (%y: f16[B, 2, S, 3]) {
  %t = transpose %k {perm = [0, 1, 3, 2]}
  %s = matmul %q, %t
  %z = cast %s {to = f32} : f32[B, 2, S, T]
  %p = softmax %z
  %w = cast %p {to = f16} : f16[B, 2, S, T]
  %r = matmul %w, %v
  return %r
}
---
func @f(%q: f16[B, 2, S, 4], %k: f16[B, 2, T, 4], %v: f16[B, 2, T, 3]) -> (%y: f16[B, 2, S, 3]) where B in 1..65536, S in 1..65536, T in 1..65536 {
  %r = attend %q, %k, %v {scale = 1, masked_nan = true} : f16[B, 2, S, 3]
  return %r
}
