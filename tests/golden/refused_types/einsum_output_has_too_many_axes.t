# frit: opt %s
# exit: 1
func @f(%x: f32[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4], %w: f32[2, 3]) -> (%y: f32[4]) {
  %y = einsum %x, %w {equation = "...abc,...cd->...abccd"}
  return %y
}
---
frit: INPUT:4:15: einsum "...abc,...cd->...abccd": the output has too many axes
