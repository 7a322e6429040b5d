# frit: opt %s
# exit: 1
func @f(%x: f32[B]) -> (%y: f32[4]) where B = %n[0] in 3..4 {
  %y = neg %x
  return %y
}
---
frit: INPUT:3:36: 'B' is bound to an element of no input
