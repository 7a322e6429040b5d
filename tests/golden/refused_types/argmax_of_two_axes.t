# frit: opt %s
# exit: 1
func @f(%x: f32[4, 4]) -> (%y: f32[4]) {
  %y = reduce %x {kind = argmax, axes = [0, 1]}
  return %y
}
---
frit: INPUT:4:15: reduce: argmin and argmax take one axis, got 2
