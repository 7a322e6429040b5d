# run: decompose,fold
# assumes: finite results, as a variance of 0 divides
func @f(%x: f32[B, 2]) -> (%z: f32[B, 2]) {
  %s = const dense<1, 2> : f32[2]
  %b = const dense<0.5, -1> : f32[2]
  %m = const dense<0.25, 4> : f32[2]
  %v = const dense<1, 4> : f32[2]
  %y = batch_norm %x, %s, %b, %m, %v {eps = 0}
  return %y
}
---
func @f(%x: f32[B, 2]) -> (%z: f32[B, 2]) where B in 1..65536 {
  %0 = const splat(1) : f32[1, 2]
  %1 = mul %x, %0 : f32[B, 2]
  %2 = const dense<0.25, -5> : f32[1, 2]
  %y = add %1, %2 : f32[B, 2]
  return %y
}
