# frit: opt %s
# exit: 1
func @f(%x: f32[4], %c: bool[]) -> (%y: f32[4]) {
  %y = if %c region(%a: f32[4]) {
    yield %a
  } region(%b: f32[4]) {
    yield %b
  }
  return %y
}
---
frit: INPUT:4:11: if: a region takes 1 values, got 0
