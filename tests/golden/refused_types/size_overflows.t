# frit: opt %s
# exit: 1
func @f(%x: f32[9223372036854775807]) -> (%y: f32[4]) {
  %y = concat %x, %x {axis = 0}
  return %y
}
---
frit: INPUT:4:15: concat: dim 0 of the result overflows 64 bits
