# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4], %z: f32[4]) {
  %y = neg %x
  return %y
}
---
frit: INPUT:6:2: returns 1 values, the signature has 2
