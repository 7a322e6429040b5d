# run: fold
func @f(%x: f32[B, 4]) -> (%z: i64[2], %w: i64[1]) {
  %a = from_dims {dims = [2, 4]}
  %b = mul %a, %a
  %c = from_dims {dims = [B]}
  return %b, %c
}
---
func @f(%x: f32[B, 4]) -> (%z: i64[2], %w: i64[1]) where B in 1..65536 {
  %b = const dense<4, 16> : i64[2]
  %c = from_dims {dims = [B]} : i64[1]
  return %b, %c
}
