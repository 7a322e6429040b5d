# frit: opt %s
# exit: 1
func @f(%x: bool[1, 2, 4], %w: bool[2, 2, 3]) -> (%y: f32[4]) {
  %y = conv %x, %w
  return %y
}
---
frit: INPUT:4:13: conv: needs a number type, got bool
