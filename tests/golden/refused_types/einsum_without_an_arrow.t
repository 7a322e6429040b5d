# frit: opt %s
# exit: 1
func @f(%x: f32[2, 4], %w: f32[4, 3]) -> (%y: f32[4]) {
  %y = einsum %x, %w {equation = "ij,jk"}
  return %y
}
---
frit: INPUT:6:2: output 'y' is f32[2, 3], the signature says f32[4]
