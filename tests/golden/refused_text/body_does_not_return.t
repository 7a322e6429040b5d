# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = neg %x
}
---
frit: INPUT:5:1: expected an operator or 'return'
