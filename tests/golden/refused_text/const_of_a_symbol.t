# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %c = const splat(1) : f32[B]
  return %y
}
---
frit: INPUT:4:14: a const has constant sizes, at most 2^40 elements
