# run: decompose
func @f(%x: f32[2, 1, 3, 4], %z: f32[5, 4, 6]) -> (%y: f32[2, 5, 3, 6]) {
  %y0 = einsum %x, %z {equation = "...ij,...jk"}
  return %y0
}
---
func @f(%x: f32[2, 1, 3, 4], %z: f32[5, 4, 6]) -> (%y: f32[2, 5, 3, 6]) {
  %0 = reshape %x {dims = [2, 3, 4]} : f32[2, 3, 4]
  %1 = contract %0, %z {lhs = "ace", rhs = "bed", out = "acbd"} : f32[2, 3, 5, 6]
  %y0 = transpose %1 {perm = [0, 2, 1, 3]} : f32[2, 5, 3, 6]
  return %y0
}
