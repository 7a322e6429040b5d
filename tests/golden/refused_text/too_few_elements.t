# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %c = const dense<1, 2> : f32[3]
  return %y
}
---
frit: INPUT:4:25: the payload has 2 elements, its type needs 3
