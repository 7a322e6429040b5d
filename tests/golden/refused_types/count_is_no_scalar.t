# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = nonzero %x, %x
  return %y
}
---
frit: INPUT:4:16: nonzero: the count must be a scalar i64
