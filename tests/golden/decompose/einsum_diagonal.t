# run: decompose
func @f(%x: f32[N, N, 3]) -> (%y: f32[3, N]) {
  %y0 = einsum %x {equation = "iij->ji"}
  return %y0
}
---
func @f(%x: f32[N, N, 3]) -> (%y: f32[3, N]) where N in 1..65536 {
  %0 = iota {dims = [N, 1, 1], to = i64} : i64[N, 1, 1]
  %1 = iota {dims = [1, N, 1], axis = 1, to = i64} : i64[1, N, 1]
  %2 = const splat(0) : f32[]
  %3 = eq %0, %1 : bool[N, N, 1]
  %4 = select %3, %x, %2 : f32[N, N, 3]
  %5 = reduce %4 {axes = [1]} : f32[N, 3]
  %y0 = transpose %5 {perm = [1, 0]} : f32[3, N]
  return %y0
}
