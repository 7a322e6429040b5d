# run: raise_quantized
func @f(%q: u8[M, K], %k: i8[K, 4]) -> (%y: f32[M, 4]) where M in 1..64, K in 1..40000 {
  %a = cast %q {to = f32} : f32[M, K]
  %b = cast %k {to = f32} : f32[K, 4]
  %y = contract %a, %b {lhs = "mk", rhs = "kn", out = "mn"} : f32[M, 4]
  return %y
}
---
func @f(%q: u8[M, K], %k: i8[K, 4]) -> (%y: f32[M, 4]) where M in 1..64, K in 1..40000 {
  %a = cast %q {to = f32} : f32[M, K]
  %b = cast %k {to = f32} : f32[K, 4]
  %y = contract %a, %b {lhs = "mk", rhs = "kn", out = "mn"} : f32[M, 4]
  return %y
}
