# run: canonicalize
func @f(%x: f32[B, 3], %y: f32[B, 2]) -> (%z: f32[B, 8]) {
  %a = concat %x, %y {axis = 1}
  %b = concat %a, %x {axis = 1}
  return %b
}
---
func @f(%x: f32[B, 3], %y: f32[B, 2]) -> (%z: f32[B, 8]) where B in 1..65536 {
  %b = concat %x, %y, %x {axis = 1} : f32[B, 8]
  return %b
}
