# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = add %x
  return %y
}
---
frit: INPUT:4:12: add: takes 2 operands, got 1
