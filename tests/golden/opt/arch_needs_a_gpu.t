# frit: opt %s -p core --arch=sm_80
# exit: 2
func @mm(%x: f32[B, 8], %w: f32[8, 4]) -> (%y: f32[B, 4]) {
  %p = matmul %x, %w : f32[B, 4]
  %y = relu %p : f32[B, 4]
  return %y
}
---
frit: --arch: names GPUs: it needs --target=cuda
