# frit: opt %s
# exit: 1
func @(%x: f32[4]) -> (%y: f32[4]) {
  return %x
}
---
frit: INPUT:3:7: expected a function name
