# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = neg %x
  %y = abs %x
  return %y
}
---
frit: INPUT:6:3: 'y' is defined twice
