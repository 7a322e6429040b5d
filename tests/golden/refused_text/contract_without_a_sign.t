# frit: opt %s
# exit: 1
func @f(%x: f32[B]) -> (%y: f32[4]) where require B {
  %y = neg %x
  return %y
}
---
frit: INPUT:3:53: expected '<=', found '{'
