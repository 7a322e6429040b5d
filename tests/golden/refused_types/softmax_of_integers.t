# frit: opt %s
# exit: 1
func @f(%x: i32[4]) -> (%y: f32[4]) {
  %y = softmax %x {axis = 0}
  return %y
}
---
frit: INPUT:4:16: softmax: needs a float type, got i32
