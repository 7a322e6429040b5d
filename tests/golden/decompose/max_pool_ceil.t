# run: decompose
func @f(%x: i8[1, 1, 6]) -> (%y: i8[1, 1, 3]) {
  %y0, %i = max_pool %x {sizes = [3], strides = [2], ceil = true}
  return %y0
}
---
func @f(%x: i8[1, 1, 6]) -> (%y: i8[1, 1, 3]) {
  %0 = const splat(-128) : i8[]
  %1 = window %x, %0 {axes = [2], sizes = [3], strides = [2], dilations = [1], pads = [0, 0], out = [3]} : i8[1, 1, 3, 3]
  %y0 = reduce %1 {kind = max, axes = [3]} : i8[1, 1, 3]
  return %y0
}
