# run: decompose
func @f(%x: f32[B, 3, 2, 2], %s: f32[3], %b: f32[3], %m: f32[3]) -> (%y: f32[B, 3, 2, 2]) {
  %v = const dense<1, 2, 0.5> : f32[3]
    %y0 = batch_norm %x, %s, %b, %m, %v
  return %y0
}
---
func @f(%x: f32[B, 3, 2, 2], %s: f32[3], %b: f32[3], %m: f32[3]) -> (%y: f32[B, 3, 2, 2]) where B in 1..65536 {
  %v = const dense<1, 2, 0.5> : f32[3]
  %0 = const splat(1e-05) : f32[]
  %1 = add %v, %0 : f32[3]
  %2 = sqrt %1 : f32[3]
  %3 = const splat(1) : f32[]
  %4 = div %3, %2 : f32[3]
  %5 = mul %s, %4 : f32[3]
  %6 = mul %m, %5 : f32[3]
  %7 = sub %b, %6 : f32[3]
  %8 = reshape %5 {dims = [1, 3, 1, 1]} : f32[1, 3, 1, 1]
  %9 = mul %x, %8 : f32[B, 3, 2, 2]
  %10 = reshape %7 {dims = [1, 3, 1, 1]} : f32[1, 3, 1, 1]
  %y0 = add %9, %10 : f32[B, 3, 2, 2]
  return %y0
}
