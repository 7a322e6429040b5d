# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = window %x {axes = [0], sizes = [0]}
  return %y
}
---
frit: INPUT:4:15: window: sizes[0] is 0, outside 1..2147483647
