# frit: opt %s
# exit: 1
func @f(%x: f32[4, 3], %i: i64[4, 1]) -> (%y: f32[4]) {
  %y = gather_nd %x, %i {batch_dims = 2}
  return %y
}
---
frit: INPUT:4:18: gather_nd: batch_dims 2 is outside the ranks 2 and 2
