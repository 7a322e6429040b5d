# run: raise_quantized
func @f(%x: i64[M, 4]) -> (%y: i64[M, 2]) where M in 1..64 {
  %w = iota {dims = [4, 2], to = i64} : i64[4, 2]
  %y = contract %x, %w {lhs = "mk", rhs = "kn", out = "mn"} : i64[M, 2]
  return %y
}
---
func @f(%x: i64[M, 4]) -> (%y: i64[M, 2]) where M in 1..64 {
  %w = iota {dims = [4, 2], to = i64} : i64[4, 2]
  %y = contract %x, %w {lhs = "mk", rhs = "kn", out = "mn"} : i64[M, 2]
  return %y
}
