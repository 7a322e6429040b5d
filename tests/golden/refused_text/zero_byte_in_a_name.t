# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = neg %x : f32[4] loc("\x00")
  return %y
}
---
frit: INPUT:4:30: unknown escape in a string
