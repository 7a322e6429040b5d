# frit: opt %s
# exit: 1
func @f(%x: f32[4] state 0) -> (%y: f32[4]) {
  %y = neg %x
  return %y
}
---
frit: f: state 0 has 1 inputs and 0 outputs, needs one of each
