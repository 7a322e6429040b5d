# run: fold
func @f() -> (%z: f32[2]) {
  %a = const dense<1, 2> : f32[2]
  %b = add %a, %a
  return %b
}
---
func @f() -> (%z: f32[2]) {
  %b = const dense<2, 4> : f32[2]
  return %b
}
