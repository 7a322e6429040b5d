# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = cast %x
  return %y
}
---
frit: INPUT:4:13: cast: has no 'to' type
