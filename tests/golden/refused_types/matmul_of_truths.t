# frit: opt %s
# exit: 1
func @f(%x: bool[4, 4]) -> (%y: f32[4]) {
  %y = matmul %x, %x
  return %y
}
---
frit: INPUT:4:15: matmul: needs a number type, got bool
