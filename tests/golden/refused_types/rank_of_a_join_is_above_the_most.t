# frit: opt %s
# exit: 1
func @f(%x: f32[1, 1, 1, 1, 1, 1, 1, 1, 1], %i: i64[1, 1, 1, 1, 1, 1, 1, 1, 1]) -> (%y: f32[4]) {
  %y = gather %x, %i {axis = 0}
  return %y
}
---
frit: INPUT:4:15: gather: the result has rank 17, the most is 16
