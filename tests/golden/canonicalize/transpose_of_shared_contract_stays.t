# run: canonicalize
func @f(%x: f32[3, 6], %y: f32[6, 4]) -> (%z: f32[4, 3], %w: f32[3, 4]) {
  %a = contract %x, %y {lhs = "ij", rhs = "jk", out = "ik"}
  %t = transpose %a {perm = [1, 0]}
  return %t, %a
}
---
func @f(%x: f32[3, 6], %y: f32[6, 4]) -> (%z: f32[4, 3], %w: f32[3, 4]) {
  %a = contract %x, %y {lhs = "ij", rhs = "jk", out = "ik"} : f32[3, 4]
  %t = transpose %a {perm = [1, 0]} : f32[4, 3]
  return %t, %a
}
