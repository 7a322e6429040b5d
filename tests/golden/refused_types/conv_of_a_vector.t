# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = conv %x, %x
  return %y
}
---
frit: INPUT:4:13: conv: x is [4], its rank must be 2 or more
