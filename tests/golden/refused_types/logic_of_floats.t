# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = and %x, %x
  return %y
}
---
frit: INPUT:4:12: and: needs bool or an integer type, got f32
