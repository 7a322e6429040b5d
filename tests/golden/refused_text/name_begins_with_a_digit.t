# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %1st = neg %x
  %y = neg %1st
  return %y
}
---
frit: INPUT:4:4: '%1st': a name does not begin with a digit
