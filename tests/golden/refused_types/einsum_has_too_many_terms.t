# frit: opt %s
# exit: 1
func @f(%x: f32[2, 4], %w: f32[4, 3]) -> (%y: f32[4]) {
  %y = einsum %x, %w {equation = "ij,jk,kl->il"}
  return %y
}
---
frit: INPUT:4:15: einsum "ij,jk,kl->il": has more terms than operands
