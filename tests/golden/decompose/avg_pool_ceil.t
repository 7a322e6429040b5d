# run: decompose
func @f(%x: f32[1, 1, 6]) -> (%y: f32[1, 1, 3]) {
  %y0 = avg_pool %x {sizes = [3], strides = [2], ceil = true, count_pad = true}
  return %y0
}
---
func @f(%x: f32[1, 1, 6]) -> (%y: f32[1, 1, 3]) {
  %0 = window %x {axes = [2], sizes = [3], strides = [2], dilations = [1], pads = [0, 0], out = [3]} : f32[1, 1, 3, 3]
  %1 = reduce %0 {axes = [3]} : f32[1, 1, 3]
  %2 = const splat(1) : f32[]
  %3 = broadcast %2 {dims = [6]} : f32[6]
  %4 = window %3 {axes = [0], sizes = [3], strides = [2], dilations = [1], pads = [0, 0], out = [3]} : f32[3, 3]
  %5 = reduce %4 {axes = [1]} : f32[3]
  %y0 = div %1, %5 : f32[1, 1, 3]
  return %y0
}
