# frit: opt %s -p core,fuse
# input: tests/lower/matmul_bias_gelu.fir
---
groups @mm {
  group 0 contract over i < B, j < S, k < 200 {
    %p = contract %x, %w {lhs = "Amk", rhs = "kn", out = "Amn"} : f32[B, S, 200]
    %q = add %p, %b : f32[B, S, 200]
    %1 = mul %0, %q : f32[B, S, 200]
    %4 = mul %q, %3 : f32[B, S, 200]
    %5 = erf %4 : f32[B, S, 200]
    %6 = add %2, %5 : f32[B, S, 200]
    %y = mul %1, %6 : f32[B, S, 200]
    stores %y
  }
}
