# run: decompose
func @f(%x: bf16[B], %z: bf16[B]) -> (%y: bf16[B]) {
  %y0 = add %x, %z
  return %y0
}
---
func @f(%x: bf16[B], %z: bf16[B]) -> (%y: bf16[B]) where B in 1..65536 {
  %0 = cast %x {to = f32} : f32[B]
  %1 = cast %z {to = f32} : f32[B]
  %2 = add %0, %1 : f32[B]
  %y0 = cast %2 {to = bf16} : bf16[B]
  return %y0
}
