# frit: opt %s
# exit: 1
func @f(%x: bool[2, 4], %w: bool[4, 3]) -> (%y: f32[4]) {
  %y = contract %x, %w {lhs = "mk", rhs = "kn", out = "mn"}
  return %y
}
---
frit: INPUT:4:17: contract: needs a number type, got bool
