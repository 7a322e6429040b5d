# frit: opt %s
# exit: 1
func @f(%x: f32[4], %i: i64[2], %u: f32[3]) -> (%y: f32[4]) {
  %y = scatter_elements %x, %i, %u {axis = 0}
  return %y
}
---
frit: INPUT:4:25: scatter_elements: index and update sizes 2 and 3 differ
