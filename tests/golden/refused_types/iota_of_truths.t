# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = iota {dims = [4], axis = 0, to = bool}
  return %y
}
---
frit: INPUT:4:13: iota: counts in numbers, not bool
