# frit: opt %s -p core,fuse --blas=openblas
func @mm(%x: f32[B, 8], %w: f32[8, 40]) -> (%y: f32[B, 40]) {
  %p = matmul %x, %w : f32[B, 40]
  %y = relu %p : f32[B, 40]
  return %y
}
---
groups @mm {
  group 0 library over i < B, j < 40 {
    %p = contract %x, %w {lhs = "mk", rhs = "kn", out = "mn"} : f32[B, 40]
    stores %p
  }
  group 1 map over i_1 < B, j_1 < 40 {
    %y = max %p, %0 : f32[B, 40]
    stores %y
  }
  0 -> 1 %p: --blas=openblas keeps products apart, from whole tensors to a whole tensor
}
