# frit: opt %s -p broadcast_operands
# exit: 1
func @f(%x: f32[n, 3], %y: f32[12, 3]) -> (%z: f32[12, 3]) where n in 2..9 {
  %z = add %x, %y
  return %z
}
---
frit: INPUT:4:12: add: sizes n and 12 differ
