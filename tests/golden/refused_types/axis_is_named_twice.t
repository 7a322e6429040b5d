# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = reduce %x {axes = [0, -1]}
  return %y
}
---
frit: INPUT:4:15: reduce: axis 0 is named twice
