# run: decompose
# assumes: finite, as factors are summed before they are multiplied
func @f(%x: f32[2, 3, 4], %z: f32[3, 5]) -> (%y: f32[2]) {
  %y0 = einsum %x, %z {equation = "abc,bd->a"}
  return %y0
}
---
func @f(%x: f32[2, 3, 4], %z: f32[3, 5]) -> (%y: f32[2]) {
  %0 = reduce %x {axes = [2]} : f32[2, 3]
  %1 = reduce %z {axes = [1]} : f32[3]
  %y0 = contract %0, %1 {lhs = "ab", rhs = "b", out = "a"} : f32[2]
  return %y0
}
