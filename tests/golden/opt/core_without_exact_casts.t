# frit: opt %s -p core
func @narrow(%x: f32[4]) -> (%y: f32[4]) {
  %a = cast %x {to = f16} : f16[4]
  %b = neg %a : f16[4]
  %c = exp %b : f16[4]
  %y = cast %c {to = f32} : f32[4]
  return %y
}
---
func @narrow(%x: f32[4]) -> (%y: f32[4]) {
  %0 = neg %x : f32[4]
  %y = exp %0 : f32[4]
  return %y
}
