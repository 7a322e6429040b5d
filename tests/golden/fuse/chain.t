# frit: opt %s -p core,fuse
# input: tests/lower/chain.fir
---
groups @chain {
  group 0 map over i < B, j < S, k < 7 {
    %0 = add %x, %y : f32[B, S, 7]
    %1 = mul %0, %x : f32[B, S, 7]
    %2 = tanh %1 : f32[B, S, 7]
    %3 = sub %2, %y : f32[B, S, 7]
    %4 = exp %3 : f32[B, S, 7]
    %5 = abs %4 : f32[B, S, 7]
    %6 = sqrt %5 : f32[B, S, 7]
    %7 = max %6, %x : f32[B, S, 7]
    %9 = mul %8, %7 : f32[B, S, 7]
    %12 = mul %7, %11 : f32[B, S, 7]
    %13 = erf %12 : f32[B, S, 7]
    %14 = add %10, %13 : f32[B, S, 7]
    %o = mul %9, %14 : f32[B, S, 7]
    stores %o
  }
}
