# frit: opt %s -p core,fuse
# input: tests/lower/conv_deep_taps.fir
---
groups @net {
  group 0 map over i < B, j < 5, k < 6, l < 300, m < 3, n < 3, dissolved into its users {
    %0 = window %x {axes = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [5, 6]} : f32[B, 5, 6, 300, 3, 3]
  }
  group 1 contract over i_1 < B, j_1 < 5, k_1 < 6, l_1 < 32 {
    %2 = contract %1, %w {lhs = "npqrsc", rhs = "ocrs", out = "npqo"} : f32[B, 5, 6, 32]
    %y = add %3, %4 : f32[B, 32, 5, 6]
    along %0 = window %x {axes = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [5, 6]} : f32[B, 5, 6, 300, 3, 3]
    along %1 = transpose %0 {perm = [0, 1, 2, 4, 5, 3]} : f32[B, 5, 6, 3, 3, 300]
    along %3 = transpose %2 {perm = [0, 3, 1, 2]} : f32[B, 32, 5, 6]
    stores %y
  }
}
