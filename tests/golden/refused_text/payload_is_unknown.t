# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %c = const zeros(1) : f32[4]
  return %y
}
---
frit: INPUT:4:14: expected dense<...>, splat(...), random(...) or file(...)
