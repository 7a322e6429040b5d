# frit: opt %s
# exit: 1
func @f(%x: f32[2, 4], %w: f32[4, 3]) -> (%y: f32[4]) {
  %y = einsum %x, %w {equation = "ijk,jk->ik"}
  return %y
}
---
frit: INPUT:4:15: einsum "ijk,jk->ik": operand 0 has rank 2, its term has 3 labels
