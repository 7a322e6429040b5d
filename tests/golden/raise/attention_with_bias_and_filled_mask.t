# run: canonicalize, raise, canonicalize
# assumes: finite scores
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3], %bias: f32[1, 2, S, T], %m: bool[B, 1, 1, T]) -> (%y: f32[B, 2, S, 3]) {
  %inf = const splat(-inf) : f32[]
  %t = transpose %k {perm = [0, 1, 3, 2]}
  %s = matmul %q, %t
  %z = add %bias, %s
  %a = select %m, %inf, %z
  %p = softmax %a
  %r = matmul %p, %v
  return %r
}
---
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3], %bias: f32[1, 2, S, T], %m: bool[B, 1, 1, T]) -> (%y: f32[B, 2, S, 3]) where B in 1..65536, S in 1..65536, T in 1..65536 {
  %inf = const splat(-inf) : f32[]
  %0 = select %m, %inf, %bias : f32[B, 2, S, T]
  %r = attend %q, %k, %v, %0 {scale = 1, masked_nan = true} : f32[B, 2, S, 3]
  return %r
}
