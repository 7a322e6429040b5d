# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y, %z = neg %x
  return %y
}
---
frit: INPUT:5:3: neg gives 1 results, the text names 2
