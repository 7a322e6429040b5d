# run: canonicalize
func @f(%q: f32[B, 6, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3]) -> (%y: f32[B, 6, S, 3]) {
  %k1 = reshape %k {dims = [B, 2, 1, T, 4]}
  %k2 = broadcast %k1 {dims = [B, 2, 3, T, 4]}
  %k3 = reshape %k2 {dims = [B, 6, T, 4]}
  %v1 = reshape %v {dims = [B, 2, 1, T, 3]}
  %v2 = broadcast %v1 {dims = [B, 2, 3, T, 3]}
  %v3 = reshape %v2 {dims = [B, 6, T, 3]}
  %r = attend %q, %k3, %v3
  return %r
}
---
func @f(%q: f32[B, 6, S, 4], %k: f32[B, 2, T, 4], %v: f32[B, 2, T, 3]) -> (%y: f32[B, 6, S, 3]) where B in 1..65536, S in 1..65536, T in 1..65536 {
  %r = attend %q, %k, %v : f32[B, 6, S, 3]
  return %r
}
