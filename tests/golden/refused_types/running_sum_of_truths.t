# frit: opt %s
# exit: 1
func @f(%x: bool[4]) -> (%y: f32[4]) {
  %y = scan %x {axis = 0}
  return %y
}
---
frit: INPUT:4:13: scan: needs a number type, got bool
