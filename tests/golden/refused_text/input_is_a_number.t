# frit: opt %s
# exit: 1
func @f(%0: f32[4]) -> (%y: f32[4]) {
  %y = neg %0
  return %y
}
---
frit: INPUT:3:11: inputs and outputs have names, not numbers
