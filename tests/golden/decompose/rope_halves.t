# run: decompose
func @f(%x: f32[B, S, 6], %c: f32[S, 3], %s: f32[S, 3]) -> (%y: f32[B, S, 6]) {
  %y0 = rope %x, %c, %s
  return %y0
}
---
func @f(%x: f32[B, S, 6], %c: f32[S, 3], %s: f32[S, 3]) -> (%y: f32[B, S, 6]) where B in 1..65536, S in 1..65536 {
  %0 = slice %x {starts = [0, 0, 0], sizes = [B, S, 3], steps = [1, 1, 1]} : f32[B, S, 3]
  %1 = slice %x {starts = [0, 0, 3], sizes = [B, S, 3], steps = [1, 1, 1]} : f32[B, S, 3]
  %2 = mul %1, %s : f32[B, S, 3]
  %3 = mul %0, %c : f32[B, S, 3]
  %4 = sub %3, %2 : f32[B, S, 3]
  %5 = mul %0, %s : f32[B, S, 3]
  %6 = mul %1, %c : f32[B, S, 3]
  %7 = add %6, %5 : f32[B, S, 3]
  %y0 = concat %4, %7 {axis = 2} : f32[B, S, 6]
  return %y0
}
