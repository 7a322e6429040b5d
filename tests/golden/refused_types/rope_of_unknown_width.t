# frit: opt %s
# exit: 1
func @f(%x: f32[2, D], %c: f32[2, 2]) -> (%y: f32[4]) {
  %y = rope %x, %c, %c
  return %y
}
---
frit: INPUT:4:13: rope: x is [2, D], its last axis must be constant
