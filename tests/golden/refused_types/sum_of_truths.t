# frit: opt %s
# exit: 1
func @f(%x: bool[4]) -> (%y: f32[4]) {
  %y = add %x, %x
  return %y
}
---
frit: INPUT:4:12: add: needs a number type, got bool
