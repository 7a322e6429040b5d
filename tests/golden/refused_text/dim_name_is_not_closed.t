# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = reshape %x {dims = ["a]}
  return %y
}
---
frit: INPUT:4:28: dim expression: a quote without its end at ''
