# frit: opt %s
# exit: 1
func @f(%x: f32[2, 4], %w: f32[5, 2]) -> (%y: f32[4]) {
  %y = matmul %x, %w
  return %y
}
---
frit: INPUT:4:15: matmul: inner sizes 4 and 5 differ
