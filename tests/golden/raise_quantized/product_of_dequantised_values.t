# run: raise_quantized
# assumes: finite scales
func @f(%q: u8[M, 8], %z: u8[], %k: i8[8, 4], %sk: f32[4]) -> (%y: f32[M, 4]) where M in 1..64 {
  %x = cast %q {to = f32} : f32[M, 8]
  %zf = cast %z {to = f32} : f32[]
  %c = sub %x, %zf : f32[M, 8]
  %s = const splat(0.5) : f32[]
  %a = mul %c, %s : f32[M, 8]
  %w = cast %k {to = f32} : f32[8, 4]
  %b = mul %w, %sk : f32[8, 4]
  %y = contract %a, %b {lhs = "mk", rhs = "kn", out = "mn"} : f32[M, 4]
  return %y
}
---
func @f(%q: u8[M, 8], %z: u8[], %k: i8[8, 4], %sk: f32[4]) -> (%y: f32[M, 4]) where M in 1..64 {
  %zf = cast %z {to = f32} : f32[]
  %s = const splat(0.5) : f32[]
  %0 = cast %zf {to = i32} : i32[]
  %1 = contract %q, %k {lhs = "mk", rhs = "kn", out = "mn"} : i32[M, 4]
  %2 = cast %k {to = i32} : i32[8, 4]
  %3 = reduce %2 {axes = [0]} : i32[4]
  %4 = reshape %3 {dims = [1, 4]} : i32[1, 4]
  %5 = mul %0, %4 : i32[1, 4]
  %6 = sub %1, %5 : i32[M, 4]
  %7 = cast %6 {to = f32} : f32[M, 4]
  %8 = broadcast %sk {dims = [8, 4]} : f32[8, 4]
  %9 = slice %8 {starts = [0, 0], sizes = [1, 4], steps = [1, 1]} : f32[1, 4]
  %10 = reshape %9 {dims = [4]} : f32[4]
  %11 = reshape %10 {dims = [1, 4]} : f32[1, 4]
  %12 = mul %s, %11 : f32[1, 4]
  %y = mul %7, %12 : f32[M, 4]
  return %y
}
