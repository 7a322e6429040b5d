# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = softmax %x {axis = } : f32[4]
  return %y
}
---
frit: INPUT:4:27: expected a number
