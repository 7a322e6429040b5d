# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = reshape %x {dims = [(4]}
  return %y
}
---
frit: INPUT:4:28: dim expression: expected ) at ']}?  return %y?}?'
