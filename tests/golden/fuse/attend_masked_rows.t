# frit: opt %s -p core,fuse
# input: tests/lower/attend_masked_rows.fir
---
groups @att {
  group 0 attend over i < B, j < 2, k < S, l < 5 {
    %y = attend %q, %k, %v, %m : f32[B, 2, S, 5]
    stores %y
  }
  group 1 attend over i_1 < B, j_1 < 2, k_1 < S, l_1 < 5 {
    %z = attend %q, %k, %v, %m {masked_nan = true} : f32[B, 2, S, 5]
    stores %z
  }
}
