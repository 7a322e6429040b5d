# run: decompose
func @f(%x: f32[N, 2, 5]) -> (%y: f32[N, 2, 3]) {
  %y0 = avg_pool %x {sizes = [3], strides = [2], pads = [1, 1], count_pad = true}
  return %y0
}
---
func @f(%x: f32[N, 2, 5]) -> (%y: f32[N, 2, 3]) where N in 1..65536 {
  %0 = window %x {axes = [2], sizes = [3], strides = [2], dilations = [1], pads = [1, 1], out = [3]} : f32[N, 2, 3, 3]
  %1 = reduce %0 {axes = [3]} : f32[N, 2, 3]
  %2 = const splat(3) : f32[]
  %y0 = div %1, %2 : f32[N, 2, 3]
  return %y0
}
