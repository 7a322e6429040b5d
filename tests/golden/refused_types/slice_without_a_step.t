# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = slice %x {starts = [0], sizes = [2], steps = [0]}
  return %y
}
---
frit: INPUT:4:14: slice: steps[0] is 0
