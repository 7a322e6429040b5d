# run: canonicalize, raise, canonicalize
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3], %bias: f32[1, 2, S, T], %m: f32[B, 1, 1, T]) -> (%y: f32[B, 2, S, 3]) {
  %half = const splat(0.5) : f32[]
  %fifty = const splat(50) : f32[]
  %t = transpose %k {perm = [0, 1, 3, 2]}
  %s = matmul %q, %t
  %h = mul %s, %half
  %d = div %h, %fifty
  %n = tanh %d
  %c = mul %n, %fifty
  %z = add %c, %bias
  %a = add %z, %m
  %p = softmax %a
  %r = matmul %p, %v
  return %r
}
---
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3], %bias: f32[1, 2, S, T], %m: f32[B, 1, 1, T]) -> (%y: f32[B, 2, S, 3]) where B in 1..65536, S in 1..65536, T in 1..65536 {
  %0 = add %bias, %m : f32[B, 2, S, T]
  %r = attend %q, %k, %v, %0 {scale = 0.5, softcap = 5e+01, masked_nan = true} : f32[B, 2, S, 3]
  return %r
}
