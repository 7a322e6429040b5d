# run: canonicalize, raise, canonicalize
# assumes: finite scores
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3], %m: bool[B, 1, 1, T]) -> (%y: f32[B, 2, S, 3]) {
  %t = transpose %k {perm = [0, 1, 3, 2]}
  %s = matmul %q, %t
  %n = const splat(0) : f32[]
  %i = const splat(-inf) : f32[]
  %a = select %m, %n, %i
  %z = add %s, %a
  %p = softmax %z
  %nan = isnan %p
  %g = select %nan, %n, %p
  %r = matmul %g, %v
  return %r
}
---
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3], %m: bool[B, 1, 1, T]) -> (%y: f32[B, 2, S, 3]) where B in 1..65536, S in 1..65536, T in 1..65536 {
  %r = attend %q, %k, %v, %m {scale = 1} : f32[B, 2, S, 3]
  return %r
}
