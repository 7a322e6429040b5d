# frit: opt %s
# exit: 1
func @f(%x: f32[1, 2, 4]) -> (%y: f32[4]) {
  %y = attend %x, %x, %x {causal = maybe}
  return %y
}
---
frit: INPUT:4:36: expected true or false
