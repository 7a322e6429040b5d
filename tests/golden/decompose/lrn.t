# run: decompose
func @f(%x: f32[N, 5, 2]) -> (%y: f32[N, 5, 2]) {
  %y0 = lrn %x {size = 4, alpha = 0.5, beta = 0.75, bias = 2}
  return %y0
}
---
func @f(%x: f32[N, 5, 2]) -> (%y: f32[N, 5, 2]) where N in 1..65536 {
  %0 = mul %x, %x : f32[N, 5, 2]
  %1 = window %0 {axes = [1], sizes = [4], strides = [1], dilations = [1], pads = [1, 2], out = [5]} : f32[N, 5, 2, 4]
  %2 = reduce %1 {axes = [3]} : f32[N, 5, 2]
  %3 = const splat(0.125) : f32[]
  %4 = mul %2, %3 : f32[N, 5, 2]
  %5 = const splat(2) : f32[]
  %6 = add %4, %5 : f32[N, 5, 2]
  %7 = const splat(0.75) : f32[]
  %8 = pow %6, %7 : f32[N, 5, 2]
  %y0 = div %x, %8 : f32[N, 5, 2]
  return %y0
}
