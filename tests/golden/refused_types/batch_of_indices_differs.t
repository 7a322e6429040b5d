# frit: opt %s
# exit: 1
func @f(%x: f32[4, 3], %i: i64[5, 1]) -> (%y: f32[4]) {
  %y = gather_nd %x, %i {batch_dims = 1}
  return %y
}
---
frit: INPUT:4:18: gather_nd: batch sizes 4 and 5 differ
