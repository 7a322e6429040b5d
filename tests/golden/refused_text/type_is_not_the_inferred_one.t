# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = neg %x : f32[5]
  return %y
}
---
frit: INPUT:4:17: neg gives f32[4], the text says f32[5]
