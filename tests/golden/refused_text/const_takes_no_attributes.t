# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = neg %x
  %z = const splat(1) : f32[4] {data = 1}
  return %y
}
---
frit: INPUT:5:32: expected an operator
