# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = softmax %x {axis = 1}
  return %y
}
---
frit: INPUT:4:16: softmax: axis 1 is outside rank 1
