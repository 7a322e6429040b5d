# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %i = iota {dims = [5], axis = 0}
  %y = gather %x, %i {axis = 0}
  return %y
}
---
frit: INPUT:5:15: gather: indices 0..5 - 1 reach past the axis of 4
