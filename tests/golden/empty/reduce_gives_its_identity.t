# run: empty
func @f(%x: f32[B, 0]) -> (%y: f32[B], %z: f32[B]) {
  %y = reduce %x {kind = max, axes = [1]}
  %z = reduce %x {axes = [1]}
  return %y, %z
}
---
func @f(%x: f32[B, 0]) -> (%y: f32[B], %z: f32[B]) where B in 1..65536 {
  %0 = const splat(-inf) : f32[]
  %y = broadcast %0 {dims = [B]} : f32[B]
  %1 = const splat(0) : f32[]
  %z = broadcast %1 {dims = [B]} : f32[B]
  return %y, %z
}
