# run: raise
func @f(%x: f32[B]) -> (%y: f32[B]) {
  %c1 = const splat(0.5) : f32[]
  %a2 = mul %x, %c1
  %c3 = const splat(1) : f32[]
  %c4 = const splat(1.4142135623730951) : f32[]
  %a5 = div %x, %c4
  %a6 = erf %a5
  %a7 = add %c3, %a6
  %a8 = mul %a2, %a7
  return %a8
}
---
func @f(%x: f32[B]) -> (%y: f32[B]) where B in 1..65536 {
  %a8 = gelu %x : f32[B]
  return %a8
}
