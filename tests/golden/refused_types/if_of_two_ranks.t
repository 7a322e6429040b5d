# frit: opt %s
# exit: 1
func @f(%x: f32[4], %c: bool[]) -> (%y: f32[4]) {
  %y = if %c region() {
    yield %x
  } region() {
    %h = reshape %x {dims = [2, 2]}
    yield %h
  }
  return %y
}
---
frit: INPUT:4:11: if: results of the two regions are [4] and [2, 2]
