# run: decompose
func @f(%x: f32[N, 2, 5]) -> (%y: f32[N, 2, 3]) {
  %y0 = avg_pool %x {sizes = [3], strides = [2], pads = [1, 1]}
  return %y0
}
---
func @f(%x: f32[N, 2, 5]) -> (%y: f32[N, 2, 3]) where N in 1..65536 {
  %0 = window %x {axes = [2], sizes = [3], strides = [2], dilations = [1], pads = [1, 1], out = [3]} : f32[N, 2, 3, 3]
  %1 = reduce %0 {axes = [3]} : f32[N, 2, 3]
  %2 = const splat(1) : f32[]
  %3 = broadcast %2 {dims = [5]} : f32[5]
  %4 = window %3 {axes = [0], sizes = [3], strides = [2], dilations = [1], pads = [1, 1], out = [3]} : f32[3, 3]
  %5 = reduce %4 {axes = [1]} : f32[3]
  %y0 = div %1, %5 : f32[N, 2, 3]
  return %y0
}
