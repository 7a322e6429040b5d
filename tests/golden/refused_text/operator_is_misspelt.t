# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = sofmax %x
  return %y
}
---
frit: INPUT:4:8: 'sofmax' is not an operator; did you mean 'softmax'?
