# frit: opt %s -p core,fuse --dim B=3
func @mm(%x: f32[B, 8], %w: f32[8, 4]) -> (%y: f32[B, 4]) {
  %p = matmul %x, %w : f32[B, 4]
  %y = relu %p : f32[B, 4]
  return %y
}
---
groups @mm {
  group 0 contract over i < B, j < 4 {
    %p = contract %x, %w {lhs = "mk", rhs = "kn", out = "mn"} : f32[B, 4]
    %y = max %p, %0 : f32[B, 4]
    stores %y
  }
}
