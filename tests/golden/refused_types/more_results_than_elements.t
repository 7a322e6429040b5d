# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y, %z = topk %x {k = [5], axis = 0}
  return %y
}
---
frit: INPUT:4:17: topk: k 5 must not exceed the axis, 4
