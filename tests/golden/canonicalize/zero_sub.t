# run: canonicalize
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) {
  %c = const splat(0) : f32[]
  %a = sub %c, %x
  %r = mul %a, %y
  return %r
}
---
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) where B in 1..65536 {
  %a = neg %x : f32[B, 3]
  %r = mul %a, %y : f32[B, 3]
  return %r
}
