# run: canonicalize, raise, canonicalize
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3], %m: bool[S, T]) -> (%y: f32[B, 2, S, 3]) {
  %t = transpose %k {perm = [0, 1, 3, 2]}
  %s = matmul %q, %t
  %i = const splat(-inf) : f32[]
  %row = iota {dims = [1, T], axis = 1}
  %zero = const splat(0) : i64[]
  %first = eq %row, %zero
  %all = not %first
  %mm = and %m, %all
  %z = select %mm, %i, %s
  %p = softmax %z
  %r = matmul %p, %v
  return %r
}
---
func @f(%q: f32[B, 2, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3], %m: bool[S, T]) -> (%y: f32[B, 2, S, 3]) where B in 1..65536, S in 1..65536, T in 1..65536 {
  %row = iota {dims = [1, T], axis = 1, to = i64} : i64[1, T]
  %zero = const splat(0) : i64[]
  %all = ne %row, %zero : bool[1, T]
  %mm = and %m, %all : bool[S, T]
  %0 = not %mm : bool[S, T]
  %r = attend %q, %k, %v, %0 {scale = 1, masked_nan = true} : f32[B, 2, S, 3]
  return %r
}
