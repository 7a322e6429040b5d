# frit: opt %s
# exit: 1
func @f(%x: f32[4], %c: bool[]) -> (%y: f32[4]) {
  %y = if %c, %x region(%a: f16[4]) {
    yield %a
  } region(%b: f16[4]) {
    yield %b
  }
  return %y
}
---
frit: INPUT:4:11: if: parameter and operand are f16 and f32
