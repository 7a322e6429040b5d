# frit: opt %s
# exit: 1
func @f(%x: f32[4], %c: bool[]) -> (%y: f32[4]) {
  %y = if %x region() {
    yield %x
  } region() {
    yield %x
  }
  return %y
}
---
frit: INPUT:4:11: if: the condition is f32[4], must be a scalar bool
