# run: decompose
func @f(%x: f32[B, 4, 3], %s: f32[4], %b: f32[4]) -> (%y: f32[B, 4, 3]) {
  %y0 = group_norm %x, %s, %b {groups = 2}
  return %y0
}
---
func @f(%x: f32[B, 4, 3], %s: f32[4], %b: f32[4]) -> (%y: f32[B, 4, 3]) where B in 1..65536 {
  %0 = reshape %x {dims = [B, 2, 2, 3]} : f32[B, 2, 2, 3]
  %1 = const splat(6) : f32[]
  %2 = reduce %0 {axes = [2, 3]} : f32[B, 2]
  %3 = reshape %2 {dims = [B, 2, 1, 1]} : f32[B, 2, 1, 1]
  %4 = div %3, %1 : f32[B, 2, 1, 1]
  %5 = sub %0, %4 : f32[B, 2, 2, 3]
  %6 = mul %5, %5 : f32[B, 2, 2, 3]
  %7 = reduce %6 {axes = [2, 3]} : f32[B, 2]
  %8 = reshape %7 {dims = [B, 2, 1, 1]} : f32[B, 2, 1, 1]
  %9 = div %8, %1 : f32[B, 2, 1, 1]
  %10 = const splat(1e-05) : f32[]
  %11 = add %9, %10 : f32[B, 2, 1, 1]
  %12 = sqrt %11 : f32[B, 2, 1, 1]
  %13 = const splat(1) : f32[]
  %14 = div %13, %12 : f32[B, 2, 1, 1]
  %15 = mul %5, %14 : f32[B, 2, 2, 3]
  %16 = reshape %s {dims = [2, 2, 1]} : f32[2, 2, 1]
  %17 = mul %15, %16 : f32[B, 2, 2, 3]
  %18 = reshape %b {dims = [2, 2, 1]} : f32[2, 2, 1]
  %19 = add %17, %18 : f32[B, 2, 2, 3]
  %y0 = reshape %19 {dims = [B, 4, 3]} : f32[B, 4, 3]
  return %y0
}
