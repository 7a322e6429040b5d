# frit: opt %s -p core,fuse
# input: tests/lower/attend_causal.fir
---
groups @att {
  group 0 attend over i < B, j < 4, k < S, l < 32 {
    %a = attend %q, %k, %v, %m {causal = true} : f32[B, 4, S, 32]
    along %t = transpose %a {perm = [0, 2, 1, 3]} : f32[B, S, 4, 32]
    along %y = reshape %t {dims = [B, S, 128]} : f32[B, S, 128]
    stores %a as %y
  }
}
