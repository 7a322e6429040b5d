# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = leaky_relu %x {alpha = 1x} : f32[4]
  return %y
}
---
frit: INPUT:4:30: '1x' is not a number
