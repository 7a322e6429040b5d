# run: decompose
func @f(%x: f32[4, N], %s: f32[N]) -> (%y: f32[4, N]) {
  %y0 = layer_norm %x, %s
  return %y0
}
---
func @f(%x: f32[4, N], %s: f32[N]) -> (%y: f32[4, N]) where N in 1..65536 {
  %0 = from_dims {dims = [N]} : i64[1]
  %1 = reshape %0 : i64[]
  %2 = cast %1 {to = f32} : f32[]
  %3 = reduce %x {axes = [1]} : f32[4]
  %4 = reshape %3 {dims = [4, 1]} : f32[4, 1]
  %5 = div %4, %2 : f32[4, 1]
  %6 = sub %x, %5 : f32[4, N]
  %7 = mul %6, %6 : f32[4, N]
  %8 = reduce %7 {axes = [1]} : f32[4]
  %9 = reshape %8 {dims = [4, 1]} : f32[4, 1]
  %10 = div %9, %2 : f32[4, 1]
  %11 = const splat(1e-05) : f32[]
  %12 = add %10, %11 : f32[4, 1]
  %13 = sqrt %12 : f32[4, 1]
  %14 = const splat(1) : f32[]
  %15 = div %14, %13 : f32[4, 1]
  %16 = mul %6, %15 : f32[4, N]
  %y0 = mul %16, %s : f32[4, N]
  return %y0
}
