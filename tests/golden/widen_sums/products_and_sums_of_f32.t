# run: decompose, widen_sums
func @f(%x: f32[B, 4], %w: f32[4, 3], %q: f64[B]) -> (%y: f32[B, 3], %s: f32[B], %m: f32[B], %t: f64[]) {
  %y = matmul %x, %w
  %s = reduce %x {kind = sum, axes = [1]}
  %m = reduce %x {kind = max, axes = [1]}
  %t = reduce %q {kind = sum, axes = [0]}
  return %y, %s, %m, %t
}
---
func @f(%x: f32[B, 4], %w: f32[4, 3], %q: f64[B]) -> (%y: f32[B, 3], %s: f32[B], %m: f32[B], %t: f64[]) where B in 1..65536 {
  %0 = cast %x {to = f64} : f64[B, 4]
  %1 = cast %w {to = f64} : f64[4, 3]
  %2 = contract %0, %1 {lhs = "mk", rhs = "kn", out = "mn"} : f64[B, 3]
  %y = cast %2 {to = f32} : f32[B, 3]
  %3 = reduce %0 {axes = [1]} : f64[B]
  %s = cast %3 {to = f32} : f32[B]
  %m = reduce %x {kind = max, axes = [1]} : f32[B]
  %t = reduce %q {axes = [0]} : f64[]
  return %y, %s, %m, %t
}
