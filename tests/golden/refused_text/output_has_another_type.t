# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[5]) {
  %y = neg %x
  return %y
}
---
frit: INPUT:6:2: output 'y' is f32[4], the signature says f32[5]
