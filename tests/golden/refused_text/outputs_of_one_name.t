# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4], %y: f32[4]) {
  %y = neg %x
  return %y, %y
}
---
frit: f: two outputs are named 'y'
