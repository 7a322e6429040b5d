# run: canonicalize, raise, canonicalize
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3], %m: bool[B, 1, S, 1]) -> (%y: f32[B, 2, S, 3]) {
  %i = const splat(-inf) : f32[]
  %t = transpose %k {perm = [0, 1, 3, 2]}
  %s = matmul %q, %t
  %z = select %m, %s, %i
  %p = softmax %z
  %r = matmul %p, %v
  return %r
}
---
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3], %m: bool[B, 1, S, 1]) -> (%y: f32[B, 2, S, 3]) where B in 1..65536, S in 1..65536, T in 1..65536 {
  %r = attend %q, %k, %v, %m {scale = 1, masked_nan = true} : f32[B, 2, S, 3]
  return %r
}
