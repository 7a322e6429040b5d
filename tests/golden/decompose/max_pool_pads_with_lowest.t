# run: decompose
func @f(%x: f32[N, 2, 5, 5]) -> (%y: f32[N, 2, 3, 3]) {
  %y0, %i = max_pool %x {sizes = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]}
  return %y0
}
---
func @f(%x: f32[N, 2, 5, 5]) -> (%y: f32[N, 2, 3, 3]) where N in 1..65536 {
  %0 = const splat(-inf) : f32[]
  %1 = window %x, %0 {axes = [2, 3], sizes = [3, 3], strides = [2, 2], dilations = [1, 1], pads = [1, 1, 1, 1], out = [3, 3]} : f32[N, 2, 3, 3, 3, 3]
  %y0 = reduce %1 {kind = max, axes = [4, 5]} : f32[N, 2, 3, 3]
  return %y0
}
