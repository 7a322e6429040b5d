# frit: opt %s
# exit: 1
func @f(%x: f32[2, 4], %w: f32[4, 3]) -> (%y: f32[4]) {
  %y = contract %x, %w {lhs = "m1", rhs = "1n", out = "mn"}
  return %y
}
---
frit: INPUT:4:17: contract: lhs "m1": labels are letters
