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
frit: INPUT:12:2: output 'y' is f32[2, 0], the signature says f32[4]
