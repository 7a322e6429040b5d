# frit: opt %s -p core --exact-casts
func @narrow(%x: f32[4]) -> (%y: f32[4]) {
  %a = cast %x {to = f16} : f16[4]
  %b = neg %a : f16[4]
  %c = exp %b : f16[4]
  %y = cast %c {to = f32} : f32[4]
  return %y
}
---
func @narrow(%x: f32[4]) -> (%y: f32[4]) {
  %a = cast %x {to = f16} : f16[4]
  %0 = cast %a {to = f32} : f32[4]
  %1 = neg %0 : f32[4]
  %b = cast %1 {to = f16} : f16[4]
  %2 = cast %b {to = f32} : f32[4]
  %3 = exp %2 : f32[4]
  %c = cast %3 {to = f16} : f16[4]
  %y = cast %c {to = f32} : f32[4]
  return %y
}
