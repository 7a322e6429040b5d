# run: empty
func @f(%q: f32[2, 3, S, 0], %k: f32[2, 3, 5, 0], %v: f32[2, 3, 5, 8]) -> (%y: f32[2, 3, S, 8]) {
  %y = attend %q, %k, %v {scale = 0.5}
  return %y
}
---
func @f(%q: f32[2, 3, S, 0], %k: f32[2, 3, 5, 0], %v: f32[2, 3, 5, 8]) -> (%y: f32[2, 3, S, 8]) where S in 1..65536 {
  %0 = const splat(0) : f32[]
  %1 = broadcast %0 {dims = [2, 3, S, 1]} : f32[2, 3, S, 1]
  %2 = broadcast %0 {dims = [2, 3, 5, 1]} : f32[2, 3, 5, 1]
  %y = attend %1, %2, %v {scale = 1} : f32[2, 3, S, 8]
  return %y
}
