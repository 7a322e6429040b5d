# run: empty
func @f(%x: f32[B, 0], %z: f32[B, 3], %fill: f32[]) -> (%y: f32[B, 3], %p: f32[B, 2]) {
  %y = concat %x, %z, %x {axis = 1}
  %p = pad %x, %fill {lo = [0, 1], hi = [0, 1]}
  return %y, %p
}
---
func @f(%x: f32[B, 0], %z: f32[B, 3], %fill: f32[]) -> (%y: f32[B, 3], %p: f32[B, 2]) where B in 1..65536 {
  %p = broadcast %fill {dims = [B, 2]} : f32[B, 2]
  return %z, %p
}
