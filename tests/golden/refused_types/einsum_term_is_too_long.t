# frit: opt %s
# exit: 1
func @f(%x: f32[2, 4], %w: f32[4, 3]) -> (%y: f32[4]) {
  %y = einsum %x, %w {equation = "ijklmnopqrstuvwxyz,jk->ik"}
  return %y
}
---
frit: INPUT:4:15: einsum "ijklmnopqrstuvwxyz,jk->ik": a term has too many labels
