# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = broadcast %x {dims = []}
  return %y
}
---
frit: INPUT:4:18: broadcast: sizes: [4] does not broadcast to []
