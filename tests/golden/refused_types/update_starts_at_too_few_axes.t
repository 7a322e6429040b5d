# frit: opt %s
# exit: 1
func @f(%x: f32[4, 4], %z: f32[2, 2]) -> (%y: f32[4]) {
  %y = update %x, %z {starts = [0]}
  return %y
}
---
frit: INPUT:4:15: update: starts has 1 entries, needs 2
