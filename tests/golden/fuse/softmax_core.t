# frit: opt %s -p core,fuse
# input: tests/lower/softmax_core.fir
---
groups @softmax {
  group 0 row over i < B reducing j < 37 {
    %m = reduce %x {kind = max, axes = [1]} : f32[B]
    %d = sub %x, %m1 : f32[B, 37]
    %e = exp %d : f32[B, 37]
    %s = reduce %e {axes = [1]} : f32[B]
    %y = div %e, %s1 : f32[B, 37]
    along %m1 = reshape %m {dims = [B, 1]} : f32[B, 1]
    along %s1 = reshape %s {dims = [B, 1]} : f32[B, 1]
    stores %y
  }
}
