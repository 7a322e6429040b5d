# frit: opt %s
# exit: 1
func @f(%x: bool[1, 2, 4]) -> (%y: f32[4]) {
  %y, %i = max_pool %x
  return %y
}
---
frit: INPUT:4:21: max_pool: needs a number type, got bool
