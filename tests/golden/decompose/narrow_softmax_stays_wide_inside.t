# run: decompose
func @f(%x: f16[B, 4]) -> (%y: f16[B, 4]) {
  %y0 = softmax %x
  return %y0
}
---
func @f(%x: f16[B, 4]) -> (%y: f16[B, 4]) where B in 1..65536 {
  %0 = cast %x {to = f32} : f32[B, 4]
  %1 = reduce %0 {kind = max, axes = [1]} : f32[B]
  %2 = reshape %1 {dims = [B, 1]} : f32[B, 1]
  %3 = sub %0, %2 : f32[B, 4]
  %4 = exp %3 : f32[B, 4]
  %5 = reduce %4 {axes = [1]} : f32[B]
  %6 = reshape %5 {dims = [B, 1]} : f32[B, 1]
  %7 = const splat(1) : f32[]
  %8 = div %7, %6 : f32[B, 1]
  %9 = mul %4, %8 : f32[B, 4]
  %y0 = cast %9 {to = f16} : f16[B, 4]
  return %y0
}
