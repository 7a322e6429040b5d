# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = softmax %x { = 1} : f32[4]
  return %y
}
---
frit: INPUT:4:21: expected an attribute name
