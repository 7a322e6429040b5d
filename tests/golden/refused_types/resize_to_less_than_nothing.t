# frit: opt %s
# exit: 1
func @f(%x: f32[2, 4]) -> (%y: f32[4]) {
  %y = resize %x {out = [2, -1]}
  return %y
}
---
frit: INPUT:4:15: resize: out[1] is not a size
