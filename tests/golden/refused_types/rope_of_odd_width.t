# frit: opt %s
# exit: 1
func @f(%x: f32[2, 8], %c: f32[2, 2]) -> (%y: f32[4]) {
  %y = rope %x, %c, %c {rotary_dim = 3}
  return %y
}
---
frit: INPUT:4:13: rope: rotary_dim 3 must be even and in 2..8
