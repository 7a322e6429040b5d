# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = window %x {axes = [0], sizes = [2], strides = [1, 1]}
  return %y
}
---
frit: INPUT:4:15: window: strides has 2 entries, needs 1
