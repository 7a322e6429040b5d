# frit: opt %s -p core,fuse
# input: tests/lower/rows_overlap_blocks.fir
---
groups @block {
  group 0 contract over i < A, j < B, k < 48 {
    %0 = contract %x, %w {lhs = "Amk", rhs = "kn", out = "Amn"} : f32[A, B, 48]
    %2 = mul %1, %0 : f32[A, B, 48]
    %5 = mul %0, %4 : f32[A, B, 48]
    %6 = erf %5 : f32[A, B, 48]
    %7 = add %3, %6 : f32[A, B, 48]
    %8 = mul %2, %7 : f32[A, B, 48]
    stores %8
  }
  group 1 row over i_1 < A, j_1 < B reducing k_1 < 48 {
    %10 = reduce %8 {axes = [2]} : f32[A, B]
    %12 = div %11, %9 : f32[A, B, 1]
    %13 = sub %8, %12 : f32[A, B, 48]
    %14 = mul %13, %13 : f32[A, B, 48]
    %15 = reduce %14 {axes = [2]} : f32[A, B]
    %17 = div %16, %9 : f32[A, B, 1]
    %19 = add %17, %18 : f32[A, B, 1]
    %20 = sqrt %19 : f32[A, B, 1]
    %21 = div %3, %20 : f32[A, B, 1]
    %22 = mul %13, %21 : f32[A, B, 48]
    %23 = mul %22, %scale : f32[A, B, 48]
    %24 = add %23, %bias : f32[A, B, 48]
    %25 = reduce %24 {kind = max, axes = [2]} : f32[A, B]
    %27 = sub %24, %26 : f32[A, B, 48]
    %28 = exp %27 : f32[A, B, 48]
    %29 = reduce %28 {axes = [2]} : f32[A, B]
    %31 = div %3, %30 : f32[A, B, 1]
    %32 = mul %28, %31 : f32[A, B, 48]
    along %11 = reshape %10 {dims = [A, B, 1]} : f32[A, B, 1]
    along %16 = reshape %15 {dims = [A, B, 1]} : f32[A, B, 1]
    along %26 = reshape %25 {dims = [A, B, 1]} : f32[A, B, 1]
    along %30 = reshape %29 {dims = [A, B, 1]} : f32[A, B, 1]
    stores %24
    stores %32
  }
  group 2 row over k_2 < 48 reducing i_2 < A, j_2 < B {
    %33 = reduce %24 {axes = [0, 1]} : f32[48]
    stores %33
  }
  0 -> 1 %8: a reduction of a result needs whole rows of it, which no tile of that kernel holds
  1 -> 2 %24: they reduce over other axes, so that no row holds what both need
}
