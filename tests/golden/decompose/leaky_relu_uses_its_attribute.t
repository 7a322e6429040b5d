# run: decompose
func @f(%x: f32[B]) -> (%y: f32[B]) {
  %y0 = leaky_relu %x {alpha = 0.1}
  return %y0
}
---
func @f(%x: f32[B]) -> (%y: f32[B]) where B in 1..65536 {
  %0 = const splat(0) : f32[]
  %1 = lt %x, %0 : bool[B]
  %2 = const splat(0.1) : f32[]
  %3 = mul %2, %x : f32[B]
  %y0 = select %1, %3, %x : f32[B]
  return %y0
}
