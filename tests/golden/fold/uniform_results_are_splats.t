# run: fold
func @f() -> (%z: f32[2]) {
  %a = const dense<1, 2> : f32[2]
  %b = const dense<2, 1> : f32[2]
  %c = add %a, %b
  return %c
}
---
func @f() -> (%z: f32[2]) {
  %c = const splat(3) : f32[2]
  return %c
}
