# run: decompose
func @f(%x: f32[B, 3, 4], %s: f32[3], %b: f32[3]) -> (%y: f32[B, 3, 4]) {
  %y0 = instance_norm %x, %s, %b
  return %y0
}
---
func @f(%x: f32[B, 3, 4], %s: f32[3], %b: f32[3]) -> (%y: f32[B, 3, 4]) where B in 1..65536 {
  %0 = const splat(4) : f32[]
  %1 = reduce %x {axes = [2]} : f32[B, 3]
  %2 = reshape %1 {dims = [B, 3, 1]} : f32[B, 3, 1]
  %3 = div %2, %0 : f32[B, 3, 1]
  %4 = sub %x, %3 : f32[B, 3, 4]
  %5 = mul %4, %4 : f32[B, 3, 4]
  %6 = reduce %5 {axes = [2]} : f32[B, 3]
  %7 = reshape %6 {dims = [B, 3, 1]} : f32[B, 3, 1]
  %8 = div %7, %0 : f32[B, 3, 1]
  %9 = const splat(1e-05) : f32[]
  %10 = add %8, %9 : f32[B, 3, 1]
  %11 = sqrt %10 : f32[B, 3, 1]
  %12 = const splat(1) : f32[]
  %13 = div %12, %11 : f32[B, 3, 1]
  %14 = mul %4, %13 : f32[B, 3, 4]
  %15 = reshape %s {dims = [1, 3, 1]} : f32[1, 3, 1]
  %16 = mul %14, %15 : f32[B, 3, 4]
  %17 = reshape %b {dims = [1, 3, 1]} : f32[1, 3, 1]
  %y0 = add %16, %17 : f32[B, 3, 4]
  return %y0
}
