# run: canonicalize
func @f(%x: f32[B]) -> (%y: f32[N]) {
  %0 = nonzero %x {dims = [N]}
  %1 = const splat(0) : f32[]
  %2 = broadcast %1 {dims = [N]}
  %y = exp %2
  return %y
}
---
func @f(%x: f32[B]) -> (%y: f32[N]) where B in 1..65536, N = result in 0..65536 {
  %0 = nonzero %x {dims = [N]} : i64[1, N]
  %1 = const splat(0) : f32[]
  %2 = broadcast %1 {dims = [N]} : f32[N]
  %y = exp %2 : f32[N]
  return %y
}
