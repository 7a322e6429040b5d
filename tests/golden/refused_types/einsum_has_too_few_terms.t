# frit: opt %s
# exit: 1
func @f(%x: f32[2, 4], %w: f32[4, 3]) -> (%y: f32[4]) {
  %y = einsum %x, %w {equation = "ij->ij"}
  return %y
}
---
frit: INPUT:4:15: einsum "ij->ij": has fewer terms than operands
