# frit: opt %s
# exit: 1
func @f(%x: i32[4]) -> (%y: f32[4]) {
  %y = sin %x
  return %y
}
---
frit: INPUT:4:12: sin: needs a float type, got i32
