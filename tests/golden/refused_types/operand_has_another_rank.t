# frit: opt %s
# exit: 1
func @f(%x: f32[4], %z: f32[4, 4]) -> (%y: f32[4]) {
  %y = concat %x, %z {axis = 0}
  return %y
}
---
frit: INPUT:4:15: concat: operand 1 is [4, 4], its rank must be 1
