# frit: opt %s
# exit: 1
func @f(%x: f32[2, 4], %w: f32[4, 3]) -> (%y: f32[4]) {
  %y = einsum %x, %w {equation = "i1,1k->ik"}
  return %y
}
---
frit: INPUT:4:15: einsum "i1,1k->ik": labels are letters
