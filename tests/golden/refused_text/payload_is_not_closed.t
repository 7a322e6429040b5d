# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %c = const dense<1, 2
  return %y
}
---
frit: INPUT:4:14: expected dense<...>, splat(...), random(...) or file(...)
