# frit: opt %s
# exit: 1
graph @f(%x: f32[4]) -> (%y: f32[4]) {
  return %x
}
---
frit: INPUT:3:1: expected 'func'
