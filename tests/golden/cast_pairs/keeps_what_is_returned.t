# run: decompose, cast_pairs
func @f(%x: f16[B], %z: f16[B]) -> (%y: f16[B], %w: f16[B]) {
  %a = mul %x, %z
  %b = neg %a
  return %a, %b
}
---
func @f(%x: f16[B], %z: f16[B]) -> (%y: f16[B], %w: f16[B]) where B in 1..65536 {
  %0 = cast %x {to = f32} : f32[B]
  %1 = cast %z {to = f32} : f32[B]
  %2 = mul %0, %1 : f32[B]
  %a = cast %2 {to = f16} : f16[B]
  %3 = neg %2 : f32[B]
  %b = cast %3 {to = f16} : f16[B]
  return %a, %b
}
