# run: canonicalize
func @f(%x: f32[B, 3, 4]) -> (%z: f32[3*B, 4]) {
  %a = reshape %x {dims = [12*B]}
  %b = reshape %a {dims = [3*B, 4]}
  return %b
}
---
func @f(%x: f32[B, 3, 4]) -> (%z: f32[3*B, 4]) where B in 1..65536 {
  %b = reshape %x {dims = [3*B, 4]} : f32[3*B, 4]
  return %b
}
