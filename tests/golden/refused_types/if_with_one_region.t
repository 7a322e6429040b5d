# frit: opt %s
# exit: 1
func @f(%x: f32[4], %c: bool[]) -> (%y: f32[4]) {
  %y = if %c region() {
    yield %x
  }
  return %y
}
---
frit: INPUT:4:11: if: has 1 regions, needs 2
