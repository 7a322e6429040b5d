# frit: opt %s
# exit: 1
func @f(%x: f32[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]) -> (%y: f32[4]) {
  %y = neg %x
  return %y
}
---
frit: INPUT:3:63: more than 16 axes
