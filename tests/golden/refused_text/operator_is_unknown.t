# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = frobnicate %x
  return %y
}
---
frit: INPUT:4:8: 'frobnicate' is not an operator
