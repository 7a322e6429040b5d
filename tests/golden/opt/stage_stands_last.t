# frit: opt %s -p lower,fold
# exit: 2
func @mm(%x: f32[B, 8], %w: f32[8, 4]) -> (%y: f32[B, 4]) {
  %p = matmul %x, %w : f32[B, 4]
  %y = relu %p : f32[B, 4]
  return %y
}
---
frit: -p: 'lower' is the stage to print and stands last
