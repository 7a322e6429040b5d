# frit: opt %s
# exit: 1
func @f(%x: f32[4, 3], %i: i64[2, 5]) -> (%y: f32[4]) {
  %y = gather_elements %x, %i {axis = 0}
  return %y
}
---
frit: INPUT:4:24: gather_elements: indices [2, 5] reach past [4, 3] on axis 1
