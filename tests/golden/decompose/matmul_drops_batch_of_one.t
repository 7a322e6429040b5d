# run: decompose
func @f(%x: f32[B, 1, 3, 4], %z: f32[1, H, 4, 5]) -> (%y: f32[B, H, 3, 5]) {
  %y0 = matmul %x, %z
  return %y0
}
---
func @f(%x: f32[B, 1, 3, 4], %z: f32[1, H, 4, 5]) -> (%y: f32[B, H, 3, 5]) where B in 1..65536, H in 1..65536 {
  %0 = reshape %x {dims = [B, 3, 4]} : f32[B, 3, 4]
  %1 = reshape %z {dims = [H, 4, 5]} : f32[H, 4, 5]
  %y0 = contract %0, %1 {lhs = "Bmk", rhs = "Akn", out = "BAmn"} : f32[B, H, 3, 5]
  return %y0
}
