# frit: opt %s
# exit: 1
func @f(%x: f32[4, 3], %i: i64[2, 1], %u: f32[2, 5]) -> (%y: f32[4]) {
  %y = scatter_nd %x, %i, %u
  return %y
}
---
frit: INPUT:4:19: scatter_nd: slice sizes 3 and 5 differ
