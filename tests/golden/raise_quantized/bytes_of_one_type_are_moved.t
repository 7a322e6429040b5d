# run: raise_quantized
func @f(%q: i8[M, 4]) -> (%y: i32[M, 2]) where M in 1..64 {
  %x = cast %q {to = i32} : i32[M, 4]
  %k = const dense<1, -2, 3, -128, 5, 6, 7, 127> : i8[4, 2]
  %w = cast %k {to = i32} : i32[4, 2]
  %y = contract %x, %w {lhs = "mk", rhs = "kn", out = "mn"} : i32[M, 2]
  return %y
}
---
func @f(%q: i8[M, 4]) -> (%y: i32[M, 2]) where M in 1..64 {
  %k = const dense<1, -2, 3, -128, 5, 6, 7, 127> : i8[4, 2]
  %0 = bitcast %q {to = u8, saturate = false} : u8[M, 4]
  %1 = const splat(128) : u8[]
  %2 = xor %0, %1 : u8[M, 4]
  %3 = const splat(128) : i32[]
  %4 = contract %2, %k {lhs = "mk", rhs = "kn", out = "mn"} : i32[M, 2]
  %5 = const dense<16, 3> : i32[2]
  %6 = reshape %5 {dims = [1, 2]} : i32[1, 2]
  %7 = mul %3, %6 : i32[1, 2]
  %y = sub %4, %7 : i32[M, 2]
  return %y
}
