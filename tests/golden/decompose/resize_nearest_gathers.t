# run: decompose
func @f(%x: f32[1, 2, 4]) -> (%y: f32[1, 2, 7]) {
  %y0 = resize %x {out = [1, 2, 7], coord = asymmetric, nearest = floor}
  return %y0
}
---
func @f(%x: f32[1, 2, 4]) -> (%y: f32[1, 2, 7]) {
  %0 = const dense<0, 0, 1, 1, 2, 2, 3> : i64[7]
  %y0 = gather %x, %0 {axis = 2} : f32[1, 2, 7]
  return %y0
}
