# frit: opt %s -p core,emit
# exit: 2
func @mm(%x: f32[B, 8], %w: f32[8, 4]) -> (%y: f32[B, 4]) {
  %p = matmul %x, %w : f32[B, 4]
  %y = relu %p : f32[B, 4]
  return %y
}
---
frit: -p emit prints CUDA C and needs --target=cuda; a CPU's kernels become machine code, which objdump -d shows in a compiled model
