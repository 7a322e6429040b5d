# run: canonicalize
func @f(%x: f32[3], %y: f32[B]) -> (%z: f32[2, B, 3], %w: f32[B]) where B in 1..5 {
  %a = broadcast %x {dims = [B, 3]}
  %b = broadcast %a {dims = [2, B, 3]}
  return %b, %y
}
---
func @f(%x: f32[3], %y: f32[B]) -> (%z: f32[2, B, 3], %w: f32[B]) where B in 1..5 {
  %b = broadcast %x {dims = [2, B, 3]} : f32[2, B, 3]
  return %b, %y
}
