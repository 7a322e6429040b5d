# frit: opt %s
# exit: 1
func @f(%x: f32[4], %c: bool[]) -> (%y: f32[4]) {
  %y = if %c region() where N in 1..4 {
    yield %x
  } region() {
    yield %x
  }
  return %y
}
---
frit: INPUT:4:29: expected 'require'
