# frit: opt %s
# exit: 1
func @f(%x: f32[2, 4], %w: f32[5, 3]) -> (%y: f32[4]) {
  %y = einsum %x, %w {equation = "ij,jk->ik"}
  return %y
}
---
frit: INPUT:4:15: einsum: sizes of a label 4 and 5 differ
