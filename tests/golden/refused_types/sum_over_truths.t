# frit: opt %s
# exit: 1
func @f(%x: bool[4]) -> (%y: f32[4]) {
  %y = reduce %x {axes = [0]}
  return %y
}
---
frit: INPUT:4:15: reduce: sum and prod need a number type, got bool
