# frit: opt %s
# exit: 1
func @f(%x: f32[4]) (%y: f32[4]) {
  return %x
}
---
frit: INPUT:3:21: expected '->', found '(%y:'
