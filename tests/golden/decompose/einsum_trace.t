# run: decompose
func @f(%x: f32[4, 4]) -> (%y: f32[]) {
  %y0 = einsum %x {equation = "ii"}
  return %y0
}
---
func @f(%x: f32[4, 4]) -> (%y: f32[]) {
  %0 = iota {dims = [4, 1], to = i64} : i64[4, 1]
  %1 = iota {dims = [1, 4], axis = 1, to = i64} : i64[1, 4]
  %2 = const splat(0) : f32[]
  %3 = eq %0, %1 : bool[4, 4]
  %4 = select %3, %x, %2 : f32[4, 4]
  %5 = reduce %4 {axes = [1]} : f32[4]
  %y0 = reduce %5 {axes = [0]} : f32[]
  return %y0
}
