# run: raise_quantized
func @f(%q: u8[M, 4], %x: f32[M, 4]) -> (%y: f32[M, 4], %z: f32[M, 4]) where M in 1..64 {
  %a = cast %q {to = f32} : f32[M, 4]
  %s = const splat(0.3) : f32[]
  %b = mul %a, %s : f32[M, 4]
  %t = const splat(0.7) : f32[]
  %c = div %b, %t : f32[M, 4]
  %y = round %c : f32[M, 4]
  %d = div %x, %t : f32[M, 4]
  %z = round %d : f32[M, 4]
  return %y, %z
}
---
func @f(%q: u8[M, 4], %x: f32[M, 4]) -> (%y: f32[M, 4], %z: f32[M, 4]) where M in 1..64 {
  %a = cast %q {to = f32} : f32[M, 4]
  %s = const splat(0.3) : f32[]
  %b = mul %a, %s : f32[M, 4]
  %t = const splat(0.7) : f32[]
  %0 = const splat(1.4285715) : f32[]
  %1 = mul %b, %0 : f32[M, 4]
  %y = round %1 : f32[M, 4]
  %d = div %x, %t : f32[M, 4]
  %z = round %d : f32[M, 4]
  return %y, %z
}
