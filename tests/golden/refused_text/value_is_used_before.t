# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = neg %z
  %z = neg %x
  return %y
}
---
frit: INPUT:4:12: '%z' is not defined before its use
