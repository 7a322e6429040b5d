# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = slice %x {starts = [3], sizes = [2], steps = [1]}
  return %y
}
---
frit: INPUT:4:14: slice: axis 0: elements 3..4 lie outside its extent 4
