# frit: opt %s -p core,fuse
# input: tests/lower/softmax_axis1.fir
---
groups @s {
  group 0 row over i < B, k < 9 reducing j < S {
    %0 = reduce %x {kind = max, axes = [1]} : f32[B, 9]
    %2 = sub %x, %1 : f32[B, S, 9]
    %3 = exp %2 : f32[B, S, 9]
    %4 = reduce %3 {axes = [1]} : f32[B, 9]
    %7 = div %6, %5 : f32[B, 1, 9]
    %y = mul %3, %7 : f32[B, S, 9]
    along %1 = reshape %0 {dims = [B, 1, 9]} : f32[B, 1, 9]
    along %5 = reshape %4 {dims = [B, 1, 9]} : f32[B, 1, 9]
    stores %y
  }
}
