# frit: opt %s
# exit: 1
func @f(%x: f32[2, 6, 4], %s: f32[5]) -> (%y: f32[4]) {
  %y = instance_norm %x, %s, %s
  return %y
}
---
frit: INPUT:4:22: instance_norm: parameter and channel sizes 5 and 6 differ
