# run: decompose
func @f(%x: f32[3, B, 2]) -> (%y: f32[3, B, 2]) {
  %y0 = log_softmax %x {axis = 1}
  return %y0
}
---
func @f(%x: f32[3, B, 2]) -> (%y: f32[3, B, 2]) where B in 1..65536 {
  %0 = reduce %x {kind = max, axes = [1]} : f32[3, 2]
  %1 = reshape %0 {dims = [3, 1, 2]} : f32[3, 1, 2]
  %2 = sub %x, %1 : f32[3, B, 2]
  %3 = exp %2 : f32[3, B, 2]
  %4 = reduce %3 {axes = [1]} : f32[3, 2]
  %5 = reshape %4 {dims = [3, 1, 2]} : f32[3, 1, 2]
  %6 = log %5 : f32[3, 1, 2]
  %y0 = sub %2, %6 : f32[3, B, 2]
  return %y0
}
