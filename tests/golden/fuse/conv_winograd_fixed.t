# frit: opt %s -p core,fuse
# input: tests/lower/conv_winograd_fixed.fir
---
groups @net {
  group 0 map over i < B, j < 15, k < 18, l < 16, m < 3, n < 3, dissolved into its users {
    %0 = window %x {axes = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [15, 18]} : f32[B, 15, 18, 16, 3, 3]
  }
  group 1 contract over i_1 < B, j_1 < 15, k_1 < 18, l_1 < 24 {
    %2 = contract %1, %w {lhs = "npqrsc", rhs = "ocrs", out = "npqo"} : f32[B, 15, 18, 24]
    %5 = add %2, %4 : f32[B, 15, 18, 24]
    %y = max %5, %6 : f32[B, 15, 18, 24]
    along %0 = window %x {axes = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [15, 18]} : f32[B, 15, 18, 16, 3, 3]
    along %1 = transpose %0 {perm = [0, 1, 2, 4, 5, 3]} : f32[B, 15, 18, 3, 3, 16]
    along %4 = reshape %3 {dims = [1, 1, 1, 24]} : f32[1, 1, 1, 24]
    stores %y
  }
  group 2 map over i_2 < 1, j_2 < 18, k_2 < 16, l_2 < 136, m_1 < 3, n_1 < 3, dissolved into its users {
    %7 = window %d {axes = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [0, 1, 1, 0], out = [18, 16]} : f32[1, 18, 16, 136, 3, 3]
  }
  group 3 contract over i_3 < 1, j_3 < 18, k_3 < 16, l_3 < 48 {
    %9 = contract %8, %v {lhs = "npqrsc", rhs = "ocrs", out = "npqo"} : f32[1, 18, 16, 48]
    %e = max %9, %6 : f32[1, 18, 16, 48]
    along %7 = window %d {axes = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [0, 1, 1, 0], out = [18, 16]} : f32[1, 18, 16, 136, 3, 3]
    along %8 = transpose %7 {perm = [0, 1, 2, 4, 5, 3]} : f32[1, 18, 16, 3, 3, 136]
    stores %e
  }
}
