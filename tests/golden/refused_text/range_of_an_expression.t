# frit: opt %s
# exit: 1
func @f(%x: f32[B]) -> (%y: f32[4]) where 2*B in 3..4 {
  %y = neg %x
  return %y
}
---
frit: INPUT:3:47: expected a symbol
