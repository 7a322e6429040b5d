# frit: opt %s -p core,fuse
# input: tests/lower/conv_relu_pool.fir
---
groups @net {
  group 0 map over i < B, j < 3, k < 12, l < 12, m < 3, n < 3, dissolved into its users {
    %0 = window %x {axes = [2, 3], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [12, 12]} : f32[B, 3, 12, 12, 3, 3]
  }
  group 1 contract over i_1 < B, j_1 < 8, k_1 < 12, l_1 < 12 {
    %1 = contract %0, %w {lhs = "ncpqrs", rhs = "ocrs", out = "nopq"} : f32[B, 8, 12, 12]
    %3 = add %1, %2 : f32[B, 8, 12, 12]
    %5 = max %3, %4 : f32[B, 8, 12, 12]
    along %0 = window %x {axes = [2, 3], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [12, 12]} : f32[B, 3, 12, 12, 3, 3]
    along %2 = reshape %b {dims = [1, 8, 1, 1]} : f32[1, 8, 1, 1]
    stores %5
  }
  group 2 map over i_2 < B, j_2 < 8, k_2 < 6, l_2 < 6, m_1 < 2, n_1 < 2, dissolved into its users {
    %7 = window %5, %6 {axes = [2, 3], sizes = [2, 2], strides = [2, 2], dilations = [1, 1], pads = [0, 0, 0, 0], out = [6, 6]} : f32[B, 8, 6, 6, 2, 2]
  }
  group 3 row over i_3 < B, j_3 < 8, k_3 < 6, l_3 < 6 reducing m_2 < 2, n_2 < 2 {
    %y = reduce %7 {kind = max, axes = [4, 5]} : f32[B, 8, 6, 6]
    along %7 = window %5, %6 {axes = [2, 3], sizes = [2, 2], strides = [2, 2], dilations = [1, 1], pads = [0, 0, 0, 0], out = [6, 6]} : f32[B, 8, 6, 6, 2, 2]
    stores %y
  }
  1 -> 3 %5: a reduction of a result needs whole rows of it, which no tile of that kernel holds
}
