# frit: opt %s
# exit: 1
func @f(%x: f32[4], %c: bool[]) -> (%y: f32[4]) {
  %n = const splat(3) : i64[]
  %y = while %n, %c, %x {n_carried = 1} region(%i: i64[], %d: bool[], %v: f32[4]) {
    %h = cast %v {to = f16}
    yield %d, %h
  }
  return %y
}
---
frit: INPUT:5:14: while: carried value before and after are f32 and f16
