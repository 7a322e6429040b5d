# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y, %z = topk %x {k = [1, 2], axis = 0}
  return %y
}
---
frit: INPUT:4:17: topk: k has 2 entries, needs 1
