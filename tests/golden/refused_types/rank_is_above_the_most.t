# frit: opt %s
# exit: 1
func @f(%x: f32[1]) -> (%y: f32[4]) {
  %y = reshape %x {dims = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}
  return %y
}
---
frit: INPUT:4:16: reshape: the result has rank 17, the most is 16
