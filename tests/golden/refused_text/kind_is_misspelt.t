# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = reduce %x {kind = summ, axes = [0]}
  return %y
}
---
frit: INPUT:4:30: kind cannot be 'summ'; did you mean 'sum'?
