# frit: opt %s
# exit: 1
func @f(%x: f32[4611686018427387904, 4]) -> (%y: f32[4]) {
  %y = reshape %x {dims = [4]}
  return %y
}
---
frit: INPUT:4:16: reshape: element counts overflow 64 bits
