# run: fold
func @f(%x: f32[6]) -> (%z: f32[6]) {
  %a = const file("w.safetensors", "w") : f32[2, 3]
  %b = reshape %a {dims = [6]}
  %r = mul %x, %b
  return %r
}
---
func @f(%x: f32[6]) -> (%z: f32[6]) {
  %b = const file("w.safetensors", "w") : f32[6]
  %r = mul %x, %b : f32[6]
  return %r
}
