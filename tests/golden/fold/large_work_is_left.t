# run: fold
func @f() -> (%z: f32[300, 300]) {
  %a = const random(1, 0.5) : f32[300, 300]
  %b = neg %a
  %c = contract %a, %b {lhs = "ij", rhs = "jk", out = "ik"}
  return %c
}
---
func @f() -> (%z: f32[300, 300]) {
  %a = const random(1, 0.5) : f32[300, 300]
  %b = neg %a : f32[300, 300]
  %c = contract %a, %b {lhs = "ij", rhs = "jk", out = "ik"} : f32[300, 300]
  return %c
}
