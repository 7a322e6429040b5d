# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = neg %x : f32[4] loc("a
  return %y
}
---
frit: INPUT:7:1: a string is not closed
