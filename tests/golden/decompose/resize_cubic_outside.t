# run: decompose
func @f(%x: f32[1, 3, 4]) -> (%y: f32[1, 3, 5]) {
  %y0 = resize %x {out = [1, 3, 5], mode = cubic, coord = tf_crop_and_resize, roi = [0, 0, 0.2, 1, 1, 1.5], extrapolation = 9}
  return %y0
}
---
func @f(%x: f32[1, 3, 4]) -> (%y: f32[1, 3, 5]) {
  %0 = const dense<0, 0, 1, 2, 0, 1, 2, 3, 1, 2, 3, 3, 0, 1, 2, 3, 0, 1, 2, 3> : i64[5, 4]
  %1 = gather %x, %0 {axis = 2} : f32[1, 3, 5, 4]
  %2 = const dense<-0.072, 0.46, 0.72, -0.108, -0.07789453, 0.49373046, 0.68955076, -0.10538672, -0.08353125, 0.52734375, 0.65828127, -0.10209375, 0, 0, 0, 0, 0, 0, 0, 0> : f32[5, 4]
  %3 = reshape %2 {dims = [1, 1, 5, 4]} : f32[1, 1, 5, 4]
  %4 = mul %1, %3 : f32[1, 3, 5, 4]
  %5 = reduce %4 {axes = [3]} : f32[1, 3, 5]
  %6 = const dense<false, false, false, true, true> : bool[5]
  %7 = reshape %6 {dims = [1, 1, 5]} : bool[1, 1, 5]
  %8 = const splat(9) : f32[]
  %y0 = select %7, %8, %5 : f32[1, 3, 5]
  return %y0
}
