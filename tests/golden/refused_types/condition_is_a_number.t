# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = select %x, %x, %x
  return %y
}
---
frit: INPUT:4:15: select: the condition is f32, not bool
