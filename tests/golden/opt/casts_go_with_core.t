# frit: opt %s -p decompose --exact-casts
# exit: 2
func @mm(%x: f32[B, 8], %w: f32[8, 4]) -> (%y: f32[B, 4]) {
  %p = matmul %x, %w : f32[B, 4]
  %y = relu %p : f32[B, 4]
  return %y
}
---
frit: --exact-casts chooses among the passes of -p core; here the passes are named one by one
