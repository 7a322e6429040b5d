# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = nonzero %x {dims = [4]}
  return %y
}
---
frit: INPUT:4:16: nonzero: dims must be one symbol
