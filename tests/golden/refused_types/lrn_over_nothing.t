# frit: opt %s
# exit: 1
func @f(%x: f32[2, 6, 4]) -> (%y: f32[4]) {
  %y = lrn %x {size = 0}
  return %y
}
---
frit: INPUT:4:12: lrn: size is 0, must be 1 or more
