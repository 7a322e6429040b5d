# run: raise
func @f(%x: f32[B]) -> (%y: f32[B]) {
  %c1 = const splat(0.5) : f32[]
  %c2 = const splat(1) : f32[]
  %c3 = const splat(0.70710678118654752) : f32[]
  %a4 = mul %x, %c3
  %a5 = erf %a4
  %a6 = add %c2, %a5
  %a7 = mul %x, %a6
  %a8 = mul %c1, %a7
  return %a8
}
---
func @f(%x: f32[B]) -> (%y: f32[B]) where B in 1..65536 {
  %a8 = gelu %x : f32[B]
  return %a8
}
