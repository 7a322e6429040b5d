# run: raise_quantized
func @f(%q: u8[M, 8], %k: i8[8, 4], %s: f32[8, 1]) -> (%y: f32[M, 4]) where M in 1..64 {
  %a = cast %q {to = f32} : f32[M, 8]
  %w = cast %k {to = f32} : f32[8, 4]
  %b = mul %w, %s : f32[8, 4]
  %y = contract %a, %b {lhs = "mk", rhs = "kn", out = "mn"} : f32[M, 4]
  return %y
}
---
func @f(%q: u8[M, 8], %k: i8[8, 4], %s: f32[8, 1]) -> (%y: f32[M, 4]) where M in 1..64 {
  %a = cast %q {to = f32} : f32[M, 8]
  %w = cast %k {to = f32} : f32[8, 4]
  %b = mul %w, %s : f32[8, 4]
  %y = contract %a, %b {lhs = "mk", rhs = "kn", out = "mn"} : f32[M, 4]
  return %y
}
