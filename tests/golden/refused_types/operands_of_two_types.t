# frit: opt %s
# exit: 1
func @f(%x: f32[4], %z: f16[4]) -> (%y: f32[4]) {
  %y = add %x, %z
  return %y
}
---
frit: INPUT:4:12: add: operands 0 and 1 are f32 and f16
