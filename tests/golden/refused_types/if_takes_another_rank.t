# frit: opt %s
# exit: 1
func @f(%x: f32[4], %c: bool[]) -> (%y: f32[4]) {
  %y = if %c, %x region(%a: f32[2, 2]) {
    yield %a
  } region(%b: f32[2, 2]) {
    yield %b
  }
  return %y
}
---
frit: INPUT:4:11: if: parameter and operand are [2, 2] and [4]
