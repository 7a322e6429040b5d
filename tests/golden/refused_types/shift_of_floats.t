# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = shl %x, %x
  return %y
}
---
frit: INPUT:4:12: shl: needs an integer type, got f32
