# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = reshape %x {dims = [5]}
  return %y
}
---
frit: INPUT:4:16: reshape: [4] has not as many elements as [5]
