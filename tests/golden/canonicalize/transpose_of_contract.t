# run: canonicalize
func @f(%x: f32[B, 3, 6], %y: f32[B, 6, 4]) -> (%z: f32[3, B, 4]) {
  %a = contract %x, %y {lhs = "bij", rhs = "bjk", out = "bik"}
  %t = transpose %a {perm = [1, 0, 2]}
  return %t
}
---
func @f(%x: f32[B, 3, 6], %y: f32[B, 6, 4]) -> (%z: f32[3, B, 4]) where B in 1..65536 {
  %t = contract %x, %y {lhs = "bij", rhs = "bjk", out = "ibk"} : f32[3, B, 4]
  return %t
}
