# run: fold
func @f() -> (%y: f32[2, 2], %z: f32[2]) {
  %k = const dense<1, -2, 3, 4> : i8[2, 2]
  %y = cast %k {to = f32} : f32[2, 2]
  %j = const dense<1, -2> : i8[2]
  %z = cast %j {to = f32} : f32[2]
  return %y, %z
}
---
func @f() -> (%y: f32[2, 2], %z: f32[2]) {
  %k = const dense<1, -2, 3, 4> : i8[2, 2]
  %y = cast %k {to = f32} : f32[2, 2]
  %z = const dense<1, -2> : f32[2]
  return %y, %z
}
