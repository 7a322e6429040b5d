# run: raise_quantized
func @f(%q: u8[1, 4, 5, 5], %k: i8[2, 4, 3, 3]) -> (%y: i32[1, 2, 5, 5]) {
  %x = cast %q {to = i32} : i32[1, 4, 5, 5]
  %z = const splat(7) : i32[]
  %c = sub %x, %z : i32[1, 4, 5, 5]
  %v = window %c {axes = [2, 3], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [5, 5]} : i32[1, 4, 5, 5, 3, 3]
  %w = cast %k {to = i32} : i32[2, 4, 3, 3]
  %y = contract %v, %w {lhs = "ncpqrs", rhs = "ocrs", out = "nopq"} : i32[1, 2, 5, 5]
  return %y
}
---
func @f(%q: u8[1, 4, 5, 5], %k: i8[2, 4, 3, 3]) -> (%y: i32[1, 2, 5, 5]) {
  %z = const splat(7) : i32[]
  %w = cast %k {to = i32} : i32[2, 4, 3, 3]
  %0 = cast %z {to = u8} : u8[]
  %1 = window %q, %0 {axes = [2, 3], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [5, 5]} : u8[1, 4, 5, 5, 3, 3]
  %2 = contract %1, %k {lhs = "ncpqrs", rhs = "ocrs", out = "nopq"} : i32[1, 2, 5, 5]
  %3 = reduce %w {axes = [1, 2, 3]} : i32[2]
  %4 = reshape %3 {dims = [1, 2, 1, 1]} : i32[1, 2, 1, 1]
  %5 = mul %z, %4 : i32[1, 2, 1, 1]
  %y = sub %2, %5 : i32[1, 2, 5, 5]
  return %y
}
