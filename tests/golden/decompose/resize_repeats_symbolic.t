# run: decompose
func @f(%x: f32[1, H]) -> (%y: f32[1, 3*H]) where H in 1..9 {
  %y0 = resize %x {out = [1, 3*H]}
  return %y0
}
---
func @f(%x: f32[1, H]) -> (%y: f32[1, 3*H]) where H in 1..9 {
  %0 = reshape %x {dims = [1, H, 1]} : f32[1, H, 1]
  %1 = broadcast %0 {dims = [1, H, 3]} : f32[1, H, 3]
  %y0 = reshape %1 {dims = [1, 3*H]} : f32[1, 3*H]
  return %y0
}
