# run: canonicalize, raise, canonicalize
func @f(%q: bf16[B, 2, S, 4], %k: bf16[B, 2, T, 4], %v: bf16[B, 2, T, 3]) -> (%y: bf16[B, 2, S, 3]) {
  %t = transpose %k {perm = [0, 1, 3, 2]}
  %s = matmul %q, %t
  %p = softmax %s
  %r = matmul %p, %v
  return %r
}
---
func @f(%q: bf16[B, 2, S, 4], %k: bf16[B, 2, T, 4], %v: bf16[B, 2, T, 3]) -> (%y: bf16[B, 2, S, 3]) where B in 1..65536, S in 1..65536, T in 1..65536 {
  %t = transpose %k {perm = [0, 1, 3, 2]} : bf16[B, 2, 4, T]
  %s = matmul %q, %t : bf16[B, 2, S, T]
  %p = softmax %s {axis = 3} : bf16[B, 2, S, T]
  %r = matmul %p, %v : bf16[B, 2, S, 3]
  return %r
}
