# frit: opt %s -p core,fuse
# input: tests/lower/layer_norm_residual.fir
---
groups @norm {
  group 0 row over i < B, j < S reducing k < 48 {
    %s = add %x, %r : f32[B, S, 48]
    %1 = reduce %s {axes = [2]} : f32[B, S]
    %3 = div %2, %0 : f32[B, S, 1]
    %4 = sub %s, %3 : f32[B, S, 48]
    %5 = mul %4, %4 : f32[B, S, 48]
    %6 = reduce %5 {axes = [2]} : f32[B, S]
    %8 = div %7, %0 : f32[B, S, 1]
    %10 = add %8, %9 : f32[B, S, 1]
    %11 = sqrt %10 : f32[B, S, 1]
    %13 = div %12, %11 : f32[B, S, 1]
    %14 = mul %4, %13 : f32[B, S, 48]
    %15 = mul %14, %w : f32[B, S, 48]
    %y = add %15, %b : f32[B, S, 48]
    along %2 = reshape %1 {dims = [B, S, 1]} : f32[B, S, 1]
    along %7 = reshape %6 {dims = [B, S, 1]} : f32[B, S, 1]
    stores %s
    stores %y
  }
}
