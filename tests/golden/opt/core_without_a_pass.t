# frit: opt %s -p core --disable=decompose
func @mm(%x: f32[B, 8], %w: f32[8, 4]) -> (%y: f32[B, 4]) {
  %p = matmul %x, %w : f32[B, 4]
  %y = relu %p : f32[B, 4]
  return %y
}
---
func @mm(%x: f32[B, 8], %w: f32[8, 4]) -> (%y: f32[B, 4]) where B in 1..65536 {
  %p = matmul %x, %w : f32[B, 4]
  %y = relu %p : f32[B, 4]
  return %y
}
