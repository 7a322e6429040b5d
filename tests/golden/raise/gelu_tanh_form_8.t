# run: raise
func @f(%x: f32[B]) -> (%y: f32[B]) {
  %c1 = const splat(0.5) : f32[]
  %c2 = const splat(1) : f32[]
  %c3 = const splat(0.79788456080286535) : f32[]
  %c4 = const splat(0.044715) : f32[]
  %c5 = const splat(3) : f32[]
  %a6 = pow %x, %c5
  %a7 = mul %c4, %a6
  %a8 = add %x, %a7
  %a9 = mul %c3, %a8
  %a10 = tanh %a9
  %a11 = add %c2, %a10
  %a12 = mul %c1, %a11
  %a13 = mul %x, %a12
  return %a13
}
---
func @f(%x: f32[B]) -> (%y: f32[B]) where B in 1..65536 {
  %a13 = gelu_tanh %x : f32[B]
  return %a13
}
