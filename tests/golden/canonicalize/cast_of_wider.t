# run: canonicalize
func @f(%x: f16[B]) -> (%z: f16[B], %w: f64[B]) {
  %a = cast %x {to = f32}
  %b = cast %a {to = f16}
  %d = cast %a {to = f64}
  %r = neg %b
  return %r, %d
}
---
func @f(%x: f16[B]) -> (%z: f16[B], %w: f64[B]) where B in 1..65536 {
  %d = cast %x {to = f64} : f64[B]
  %r = neg %x : f16[B]
  return %r, %d
}
