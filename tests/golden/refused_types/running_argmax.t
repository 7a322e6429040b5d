# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = scan %x {kind = argmax, axis = 0}
  return %y
}
---
frit: INPUT:4:13: scan: running argmin and argmax do not exist
