# frit: opt %s
# exit: 1
func @f(%x: f32[4], %c: bool[]) -> (%y: f32[4]) {
  %y = if %c region() {
    yield %x
  } region() {
    yield %x, %x
  }
  return %y
}
---
frit: INPUT:4:11: if: its regions give 1 and 2 results
