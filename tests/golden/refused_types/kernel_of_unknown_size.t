# frit: opt %s
# exit: 1
func @f(%x: f32[1, 2, 4], %w: f32[2, 2, K]) -> (%y: f32[4]) {
  %y = conv %x, %w
  return %y
}
---
frit: INPUT:4:13: conv: kernel extent K must be a positive constant
