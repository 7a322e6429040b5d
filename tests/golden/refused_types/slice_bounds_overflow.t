# frit: opt %s
# exit: 1
func @f(%x: f32[4], %n: f32[N]) -> (%y: f32[4]) where N in 0..4 {
  %y = slice %x {starts = [9223372036854775807], sizes = [N], steps = [2]}
  return %y
}
---
frit: INPUT:6:2: output 'y' is f32[N], the signature says f32[4]
