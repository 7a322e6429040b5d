# frit: opt %s
# exit: 1
func @f(%x: f32[2, 4]) -> (%y: f32[4]) {
  %y = resize %x {out = [2, 8], scales = [2]}
  return %y
}
---
frit: INPUT:4:15: resize: scales has 1 entries for rank 2
