# run: decompose
func @f(%x: f32[N, 3, 4, 4], %w: f32[4, 3, 1, 1]) -> (%y: f32[N, 4, 4, 4]) {
  %y0 = conv %x, %w
  return %y0
}
---
func @f(%x: f32[N, 3, 4, 4], %w: f32[4, 3, 1, 1]) -> (%y: f32[N, 4, 4, 4]) where N in 1..65536 {
  %0 = reshape %w {dims = [4, 3]} : f32[4, 3]
  %y0 = contract %x, %0 {lhs = "ncpq", rhs = "oc", out = "nopq"} : f32[N, 4, 4, 4]
  return %y0
}
