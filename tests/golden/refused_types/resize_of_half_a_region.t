# frit: opt %s
# exit: 1
func @f(%x: f32[2, 4]) -> (%y: f32[4]) {
  %y = resize %x {out = [2, 8], roi = [0, 1]}
  return %y
}
---
frit: INPUT:4:15: resize: roi has 2 entries for rank 2
