# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = softmax %x {axis = 0.5} : f32[4]
  return %y
}
---
frit: INPUT:4:26: '0.5' is not an integer of 64 bits
