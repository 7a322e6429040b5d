# run: canonicalize
func @f(%x: f32[B, 3, 6], %y: f32[B, 4, 6]) -> (%z: f32[B, 3, 4]) {
  %t = transpose %y {perm = [0, 2, 1]}
  %a = contract %x, %t {lhs = "bij", rhs = "bjk", out = "bik"}
  return %a
}
---
func @f(%x: f32[B, 3, 6], %y: f32[B, 4, 6]) -> (%z: f32[B, 3, 4]) where B in 1..65536 {
  %a = contract %x, %y {lhs = "bij", rhs = "bkj", out = "bik"} : f32[B, 3, 4]
  return %a
}
