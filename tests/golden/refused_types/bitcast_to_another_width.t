# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = bitcast %x {to = f16}
  return %y
}
---
frit: INPUT:4:16: bitcast: f32 and f16 differ in width
