# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = softmax %x {axes = 0}
  return %y
}
---
frit: INPUT:4:24: softmax has no attribute 'axes'
