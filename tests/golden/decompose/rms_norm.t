# run: decompose
func @f(%x: f32[B, 6], %s: f32[6]) -> (%y: f32[B, 6]) {
  %y0 = rms_norm %x, %s {eps = 1e-06}
  return %y0
}
---
func @f(%x: f32[B, 6], %s: f32[6]) -> (%y: f32[B, 6]) where B in 1..65536 {
  %0 = mul %x, %x : f32[B, 6]
  %1 = const splat(6) : f32[]
  %2 = reduce %0 {axes = [1]} : f32[B]
  %3 = reshape %2 {dims = [B, 1]} : f32[B, 1]
  %4 = div %3, %1 : f32[B, 1]
  %5 = const splat(1e-06) : f32[]
  %6 = add %4, %5 : f32[B, 1]
  %7 = sqrt %6 : f32[B, 1]
  %8 = const splat(1) : f32[]
  %9 = div %8, %7 : f32[B, 1]
  %10 = mul %x, %9 : f32[B, 6]
  %y0 = mul %10, %s : f32[B, 6]
  return %y0
}
