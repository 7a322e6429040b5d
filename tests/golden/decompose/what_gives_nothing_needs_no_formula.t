# run: decompose
func @f(%x: f32[1, 3, 4, B]) -> (%y: f32[1, 3, 0, B]) {
  %y = resize %x {out = [1, 3, 0, B], mode = linear, antialias = true}
  return %y
}
---
func @f(%x: f32[1, 3, 4, B]) -> (%y: f32[1, 3, 0, B]) where B in 1..65536 {
  %0 = const splat(0) : f32[]
  %y = broadcast %0 {dims = [1, 3, 0, B]} : f32[1, 3, 0, B]
  return %y
}
