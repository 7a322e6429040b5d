# frit: opt %s
# exit: 1
func @f(%x: f32[4], %x: f32[4]) -> (%y: f32[4]) {
  %y = neg %x
  return %y
}
---
frit: INPUT:3:48: 'x' is defined twice
