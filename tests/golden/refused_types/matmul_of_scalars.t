# frit: opt %s
# exit: 1
func @f(%x: f32[]) -> (%y: f32[4]) {
  %y = matmul %x, %x
  return %y
}
---
frit: INPUT:4:15: matmul: operands must have rank 1 or more
