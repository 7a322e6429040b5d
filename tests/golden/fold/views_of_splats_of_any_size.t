# run: fold
func @f() -> (%z: f32[4, 30000]) {
  %a = const splat(3) : f32[]
  %b = broadcast %a {dims = [4, 30000]}
  return %b
}
---
func @f() -> (%z: f32[4, 30000]) {
  %b = const splat(3) : f32[4, 30000]
  return %b
}
