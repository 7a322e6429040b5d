# run: canonicalize, raise
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3]) -> (%y: f32[B, 2, S, 3]) {
  %c = const splat(0.0) : f32[]
  %b = mul %c, %k
  %t = transpose %b {perm = [0, 1, 3, 2]}
  %z = matmul %q, %t
  %p = softmax %z
  %y = matmul %p, %v
  return %y
}
---
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3]) -> (%y: f32[B, 2, S, 3]) where B in 1..65536, S in 1..65536, T in 1..65536 {
  %c = const splat(0) : f32[]
  %b = mul %c, %k : f32[B, 2, T, 4]
  %t = transpose %b {perm = [0, 1, 3, 2]} : f32[B, 2, 4, T]
  %z = matmul %q, %t : f32[B, 2, S, T]
  %p = softmax %z {axis = 3} : f32[B, 2, S, T]
  %y = matmul %p, %v : f32[B, 2, S, 3]
  return %y
}
