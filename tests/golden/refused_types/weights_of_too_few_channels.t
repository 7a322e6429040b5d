# frit: opt %s
# exit: 1
func @f(%x: f32[1, 3, 4], %w: f32[6, 2, 3]) -> (%y: f32[4]) {
  %y = conv %x, %w
  return %y
}
---
frit: INPUT:4:13: conv: input channels 3 and 2 differ
