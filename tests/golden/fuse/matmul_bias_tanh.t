# frit: opt %s -p core,fuse
# input: tests/lower/matmul_bias_tanh.fir
---
groups @mm {
  group 0 contract over i < B, j < S, k < 256 {
    %p = contract %x, %w {lhs = "bsk", rhs = "kn", out = "bsn"} : f32[B, S, 256]
    %q = add %p, %b : f32[B, S, 256]
    %y = tanh %q : f32[B, S, 256]
    stores %y
  }
}
