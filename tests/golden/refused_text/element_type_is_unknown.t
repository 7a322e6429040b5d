# frit: opt %s
# exit: 1
func @f(%x: f33[4]) -> (%y: f32[4]) {
  %y = neg %x
  return %y
}
---
frit: INPUT:3:13: 'f33' is not an element type
