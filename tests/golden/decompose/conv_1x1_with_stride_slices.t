# run: decompose
func @f(%x: f32[N, 3, 5, 5], %w: f32[4, 3, 1, 1]) -> (%y: f32[N, 4, 3, 3]) {
  %y0 = conv %x, %w {strides = [2, 2]}
  return %y0
}
---
func @f(%x: f32[N, 3, 5, 5], %w: f32[4, 3, 1, 1]) -> (%y: f32[N, 4, 3, 3]) where N in 1..65536 {
  %0 = slice %x {starts = [0, 0, 0, 0], sizes = [N, 3, 3, 5], steps = [1, 1, 2, 1]} : f32[N, 3, 3, 5]
  %1 = slice %0 {starts = [0, 0, 0, 0], sizes = [N, 3, 3, 3], steps = [1, 1, 1, 2]} : f32[N, 3, 3, 3]
  %2 = reshape %w {dims = [4, 3]} : f32[4, 3]
  %y0 = contract %1, %2 {lhs = "ncpq", rhs = "oc", out = "nopq"} : f32[N, 4, 3, 3]
  return %y0
}
