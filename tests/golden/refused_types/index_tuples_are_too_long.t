# frit: opt %s
# exit: 1
func @f(%x: f32[4, 3], %i: i64[2, 3]) -> (%y: f32[4]) {
  %y = gather_nd %x, %i
  return %y
}
---
frit: INPUT:4:18: gather_nd: indices [2, 3] must end in a constant axis of 1..2
