# run: raise
func @f(%x: f32[B]) -> (%y: f32[B]) {
  %c1 = const splat(0.5) : f32[]
  %a2 = mul %x, %c1
  %c3 = const splat(1) : f32[]
  %c4 = const splat(0.79788456080286535) : f32[]
  %c5 = const splat(0.044715) : f32[]
  %a6 = mul %x, %x
  %a7 = mul %x, %a6
  %a8 = mul %c5, %a7
  %a9 = add %x, %a8
  %a10 = mul %c4, %a9
  %a11 = tanh %a10
  %a12 = add %c3, %a11
  %a13 = mul %a2, %a12
  return %a13
}
---
func @f(%x: f32[B]) -> (%y: f32[B]) where B in 1..65536 {
  %a13 = gelu_tanh %x : f32[B]
  return %a13
}
