# run: canonicalize, raise, canonicalize
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3], %m: bool[B, 1, 1, T]) -> (%y: f32[B, 2, S, 3]) {
  %t = transpose %k {perm = [0, 1, 3, 2]}
  %s = matmul %q, %t
  %n = const splat(0) : f32[]
  %i = const splat(inf) : f32[]
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
  %t = transpose %k {perm = [0, 1, 3, 2]} : f32[B, 2, 4, T]
  %s = matmul %q, %t : f32[B, 2, S, T]
  %n = const splat(0) : f32[]
  %i = const splat(inf) : f32[]
  %a = select %m, %n, %i : f32[B, 1, 1, T]
  %z = add %s, %a : f32[B, 2, S, T]
  %p = softmax %z {axis = 3} : f32[B, 2, S, T]
  %nan = isnan %p : bool[B, 2, S, T]
  %g = select %nan, %n, %p : f32[B, 2, S, T]
  %r = matmul %g, %v : f32[B, 2, S, 3]
  return %r
}
