# frit: opt %s
# exit: 1
func @f(%x: f32[0], %i: i64[2]) -> (%y: f32[4]) {
  %y = gather %x, %i {axis = 0}
  return %y
}
---
frit: INPUT:4:15: gather: the axis has no elements
