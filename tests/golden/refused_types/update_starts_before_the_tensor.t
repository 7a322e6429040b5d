# frit: opt %s
# exit: 1
func @f(%x: f32[4], %z: f32[2]) -> (%y: f32[4]) {
  %y = update %x, %z {starts = [-1]}
  return %y
}
---
frit: INPUT:4:15: update: starts[0] is negative
