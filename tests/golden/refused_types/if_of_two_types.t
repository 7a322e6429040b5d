# frit: opt %s
# exit: 1
func @f(%x: f32[4], %c: bool[]) -> (%y: f32[4]) {
  %y = if %c region() {
    yield %x
  } region() {
    %h = cast %x {to = f16}
    yield %h
  }
  return %y
}
---
frit: INPUT:4:11: if: results of the two regions are f32 and f16
