# run: decompose
func @f(%x: f32[B]) -> (%y: f32[B]) {
  %y0 = gelu %x
  return %y0
}
---
func @f(%x: f32[B]) -> (%y: f32[B]) where B in 1..65536 {
  %0 = const splat(0.5) : f32[]
  %1 = mul %0, %x : f32[B]
  %2 = const splat(1) : f32[]
  %3 = const splat(0.70710677) : f32[]
  %4 = mul %x, %3 : f32[B]
  %5 = erf %4 : f32[B]
  %6 = add %2, %5 : f32[B]
  %y0 = mul %1, %6 : f32[B]
  return %y0
}
