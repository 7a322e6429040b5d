# frit: opt %s -p fold,core
# exit: 2
func @mm(%x: f32[B, 8], %w: f32[8, 4]) -> (%y: f32[B, 4]) {
  %p = matmul %x, %w : f32[B, 4]
  %y = relu %p : f32[B, 4]
  return %y
}
---
frit: -p: 'core' stands first, before any pass
