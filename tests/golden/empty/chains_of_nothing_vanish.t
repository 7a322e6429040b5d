# run: empty
func @f(%x: f32[0, B]) -> (%y: f32[B, 0]) {
  %0 = exp %x
  %1 = transpose %0 {perm = [1, 0]}
  %y = neg %1
  return %y
}
---
func @f(%x: f32[0, B]) -> (%y: f32[B, 0]) where B in 1..65536 {
  %0 = const splat(0) : f32[]
  %1 = broadcast %0 {dims = [0, B]} : f32[0, B]
  %y = broadcast %0 {dims = [B, 0]} : f32[B, 0]
  return %y
}
