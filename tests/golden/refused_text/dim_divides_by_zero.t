# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = reshape %x {dims = [4 floordiv 0]}
  return %y
}
---
frit: INPUT:4:28: dim expression '4 floordiv 0' divides by zero or leaves the 64-bit range
