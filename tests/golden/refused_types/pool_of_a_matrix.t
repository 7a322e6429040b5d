# frit: opt %s
# exit: 1
func @f(%x: f32[2, 4]) -> (%y: f32[4]) {
  %y, %i = max_pool %x
  return %y
}
---
frit: INPUT:4:21: max_pool: x is [2, 4], its rank must be 3 or more
