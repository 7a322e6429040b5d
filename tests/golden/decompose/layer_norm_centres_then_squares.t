# run: decompose
func @f(%x: f32[B, 4, 6], %s: f32[4, 6], %b: f32[4, 6]) -> (%y: f32[B, 4, 6]) {
  %y0 = layer_norm %x, %s, %b {axis = 1}
  return %y0
}
---
func @f(%x: f32[B, 4, 6], %s: f32[4, 6], %b: f32[4, 6]) -> (%y: f32[B, 4, 6]) where B in 1..65536 {
  %0 = const splat(24) : f32[]
  %1 = reduce %x {axes = [1, 2]} : f32[B]
  %2 = reshape %1 {dims = [B, 1, 1]} : f32[B, 1, 1]
  %3 = div %2, %0 : f32[B, 1, 1]
  %4 = sub %x, %3 : f32[B, 4, 6]
  %5 = mul %4, %4 : f32[B, 4, 6]
  %6 = reduce %5 {axes = [1, 2]} : f32[B]
  %7 = reshape %6 {dims = [B, 1, 1]} : f32[B, 1, 1]
  %8 = div %7, %0 : f32[B, 1, 1]
  %9 = const splat(1e-05) : f32[]
  %10 = add %8, %9 : f32[B, 1, 1]
  %11 = sqrt %10 : f32[B, 1, 1]
  %12 = const splat(1) : f32[]
  %13 = div %12, %11 : f32[B, 1, 1]
  %14 = mul %4, %13 : f32[B, 4, 6]
  %15 = mul %14, %s : f32[B, 4, 6]
  %y0 = add %15, %b : f32[B, 4, 6]
  return %y0
}
