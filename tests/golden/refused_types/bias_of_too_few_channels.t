# frit: opt %s
# exit: 1
func @f(%x: f32[1, 2, 4], %w: f32[6, 2, 3], %b: f32[5]) -> (%y: f32[4]) {
  %y = conv %x, %w, %b
  return %y
}
---
frit: INPUT:4:13: conv: bias and output channels 5 and 6 differ
