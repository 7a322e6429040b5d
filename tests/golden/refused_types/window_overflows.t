# frit: opt %s
# exit: 1
func @f(%x: f32[1, 2, 4], %w: f32[2, 2, 3]) -> (%y: f32[4]) {
  %y = conv %x, %w {dilations = [2147483647]}
  return %y
}
---
frit: INPUT:4:13: conv: spatial axis 0 overflows
