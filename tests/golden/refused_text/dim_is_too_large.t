# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = reshape %x {dims = [9223372036854775807 + 1]}
  return %y
}
---
frit: INPUT:4:28: dim expression '9223372036854775807 + 1' divides by zero or leaves the 64-bit range
