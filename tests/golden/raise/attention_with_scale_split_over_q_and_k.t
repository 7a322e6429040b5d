# run: canonicalize, raise, canonicalize
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3]) -> (%y: f32[B, 2, S, 3]) {
  %c = const splat(0.5) : f32[]
  %a = mul %q, %c
  %t = transpose %k {perm = [0, 1, 3, 2]}
  %b = mul %c, %t
  %z = matmul %a, %b
  %p = softmax %z
  %r = matmul %p, %v
  return %r
}
---
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3]) -> (%y: f32[B, 2, S, 3]) where B in 1..65536, S in 1..65536, T in 1..65536 {
  %r = attend %q, %k, %v {scale = 0.25, masked_nan = true} : f32[B, 2, S, 3]
  return %r
}
