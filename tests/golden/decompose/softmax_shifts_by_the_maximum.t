# run: decompose
func @f(%x: f32[B, 5]) -> (%y: f32[B, 5]) {
  %y0 = softmax %x {axis = -1}
  return %y0
}
---
func @f(%x: f32[B, 5]) -> (%y: f32[B, 5]) where B in 1..65536 {
  %0 = reduce %x {kind = max, axes = [1]} : f32[B]
  %1 = reshape %0 {dims = [B, 1]} : f32[B, 1]
  %2 = sub %x, %1 : f32[B, 5]
  %3 = exp %2 : f32[B, 5]
  %4 = reduce %3 {axes = [1]} : f32[B]
  %5 = reshape %4 {dims = [B, 1]} : f32[B, 1]
  %6 = const splat(1) : f32[]
  %7 = div %6, %5 : f32[B, 1]
  %y0 = mul %3, %7 : f32[B, 5]
  return %y0
}
