# run: canonicalize
func @f(%x: f32[B]) -> (%z: f32[B]) {
  %a = cast %x {to = f16}
  %b = cast %a {to = f32}
  return %b
}
---
func @f(%x: f32[B]) -> (%z: f32[B]) where B in 1..65536 {
  %a = cast %x {to = f16} : f16[B]
  %b = cast %a {to = f32} : f32[B]
  return %b
}
