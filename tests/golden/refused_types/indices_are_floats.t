# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = gather %x, %x {axis = 0}
  return %y
}
---
frit: INPUT:4:15: gather: the indices are f32, not integers
