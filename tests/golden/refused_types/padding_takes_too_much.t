# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = pad %x {lo = [-5], hi = [0]}
  return %y
}
---
frit: INPUT:4:12: pad: size[0] is -1, below 0
