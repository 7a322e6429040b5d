# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = transpose %x {perm = []}
  return %y
}
---
frit: INPUT:4:18: transpose: perm has 0 entries, needs 1
