# frit: opt %s
# exit: 1
func @f(%x: f32[4], %c: bool[]) -> (%y: f32[4]) {
  %n = const splat(3) : i64[]
  %y = while %n, %c, %x {n_carried = 2} region(%i: i64[], %d: bool[], %v: f32[4]) {
    yield %d, %v
  }
  return %y
}
---
frit: INPUT:5:14: while: body of 3 parameters and 2 results does not fit 3 operands, 2 carried
