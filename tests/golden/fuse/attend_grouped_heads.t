# frit: opt %s -p core,fuse
# input: tests/lower/attend_grouped_heads.fir
---
groups @att {
  group 0 attend over i < B, j < 6, k < S, l < 48 {
    %a = attend %q, %k, %v, %m {causal = true} : f32[B, 6, S, 48]
    along %t = transpose %a {perm = [0, 2, 1, 3]} : f32[B, S, 6, 48]
    along %y = reshape %t {dims = [B, S, 288]} : f32[B, S, 288]
    stores %a as %y
  }
  group 1 attend over i_1 < 7, j_1 < S, k_1 < 16 {
    %b = attend %r, %p, %u {window = 5} : f32[7, S, 16]
    along %z = transpose %b {perm = [1, 0, 2]} : f32[S, 7, 16]
    stores %b as %z
  }
}
