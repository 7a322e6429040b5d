# frit: opt %s
# exit: 1
func @f(%x: f32[2, 4], %w: f32[4, 3]) -> (%y: f32[4]) {
  %y = contract %x, %w {lhs = "mk", rhs = "kn", out = "mnz"}
  return %y
}
---
frit: INPUT:4:17: contract: label z of out is in no operand
