# frit: opt %s
# exit: 1
func @f(%x: f32[4], %z: f32[5]) -> (%y: f32[4]) {
  %y = add %x, %z
  return %y
}
---
frit: INPUT:4:12: add: sizes 4 and 5 differ
