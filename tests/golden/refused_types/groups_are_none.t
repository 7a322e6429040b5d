# frit: opt %s
# exit: 1
func @f(%x: f32[2, 6, 4], %s: f32[6]) -> (%y: f32[4]) {
  %y = group_norm %x, %s, %s {groups = 0}
  return %y
}
---
frit: INPUT:4:19: group_norm: groups is 0, must be 1 or more
