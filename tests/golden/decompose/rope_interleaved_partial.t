# run: decompose
func @f(%x: f32[B, S, 6], %c: f32[S, 2], %s: f32[S, 2]) -> (%y: f32[B, S, 6]) {
  %y0 = rope %x, %c, %s {interleaved = true, rotary_dim = 4}
  return %y0
}
---
func @f(%x: f32[B, S, 6], %c: f32[S, 2], %s: f32[S, 2]) -> (%y: f32[B, S, 6]) where B in 1..65536, S in 1..65536 {
  %0 = slice %x {starts = [0, 0, 0], sizes = [B, S, 2], steps = [1, 1, 2]} : f32[B, S, 2]
  %1 = slice %x {starts = [0, 0, 1], sizes = [B, S, 2], steps = [1, 1, 2]} : f32[B, S, 2]
  %2 = mul %1, %s : f32[B, S, 2]
  %3 = mul %0, %c : f32[B, S, 2]
  %4 = sub %3, %2 : f32[B, S, 2]
  %5 = mul %0, %s : f32[B, S, 2]
  %6 = mul %1, %c : f32[B, S, 2]
  %7 = add %6, %5 : f32[B, S, 2]
  %8 = reshape %4 {dims = [B, S, 2, 1]} : f32[B, S, 2, 1]
  %9 = reshape %7 {dims = [B, S, 2, 1]} : f32[B, S, 2, 1]
  %10 = concat %8, %9 {axis = 3} : f32[B, S, 2, 2]
  %11 = reshape %10 {dims = [B, S, 4]} : f32[B, S, 4]
  %12 = slice %x {starts = [0, 0, 4], sizes = [B, S, 2], steps = [1, 1, 1]} : f32[B, S, 2]
  %y0 = concat %11, %12 {axis = 2} : f32[B, S, 6]
  return %y0
}
