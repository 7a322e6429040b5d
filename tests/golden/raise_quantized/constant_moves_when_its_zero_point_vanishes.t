# run: raise_quantized
func @f(%q: u8[M, 4]) -> (%y: i32[M, 2]) where M in 1..64 {
  %x = cast %q {to = i32} : i32[M, 4]
  %k = const dense<1, 2, 3, 128, 5, 6, 7, 255> : u8[4, 2]
  %w = cast %k {to = i32} : i32[4, 2]
  %z = const splat(128) : i32[]
  %c = sub %w, %z : i32[4, 2]
  %y = contract %x, %c {lhs = "mk", rhs = "kn", out = "mn"} : i32[M, 2]
  return %y
}
---
func @f(%q: u8[M, 4]) -> (%y: i32[M, 2]) where M in 1..64 {
  %0 = const dense<-127, -126, -125, 0, -123, -122, -121, 127> : i8[4, 2]
  %y = contract %q, %0 {lhs = "mk", rhs = "kn", out = "mn"} : i32[M, 2]
  return %y
}
