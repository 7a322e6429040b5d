# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = reshape %x {dims = [99999999999999999999]}
  return %y
}
---
frit: INPUT:4:28: dim expression: a number out of range at '99999999999999999999]}? '
