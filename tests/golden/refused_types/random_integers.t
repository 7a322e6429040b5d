# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = random {dims = [4], to = i32}
  return %y
}
---
frit: INPUT:4:15: random: gives floats, not i32
