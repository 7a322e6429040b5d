# run: decompose
# assumes: finite, as factors are multiplied in an order of its own
func @f(%x: f32[2, 3], %z: f32[3, 4], %w: f32[4, 2]) -> (%y: f32[2, 2]) {
  %y0 = einsum %x, %z, %w {equation = "ij,jk,kl->li"}
  return %y0
}
---
func @f(%x: f32[2, 3], %z: f32[3, 4], %w: f32[4, 2]) -> (%y: f32[2, 2]) {
  %0 = contract %x, %z {lhs = "bc", rhs = "cd", out = "bd"} : f32[2, 4]
  %1 = contract %0, %w {lhs = "bd", rhs = "da", out = "ba"} : f32[2, 2]
  %y0 = transpose %1 {perm = [1, 0]} : f32[2, 2]
  return %y0
}
