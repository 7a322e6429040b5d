# frit: opt %s
# exit: 1
func @f(%x: f32[B]) -> (%y: f32[4]) where B in 3..2 {
  %y = neg %x
  return %y
}
---
frit: INPUT:3:52: the range of 'B' is empty
