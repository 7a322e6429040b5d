# frit: opt %s
# exit: 1
func @f(%x: f32[4], %c: bool[]) -> (%y: f32[4]) {
  %y = if %c {dims = [2]} region() {
    %h = reshape %x {dims = [2, 2]}
    yield %h
  } region() {
    %h = reshape %x {dims = [2, 2]}
    yield %h
  }
  return %y
}
---
frit: INPUT:4:11: if: has 1 dims, its results 2
