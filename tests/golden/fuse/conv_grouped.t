# frit: opt %s -p core,fuse
# input: tests/lower/conv_grouped.fir
---
groups @net {
  group 0 map over i < B, j < 2, k < 3, l < 4, m < 7, n < 3, p < 2, dissolved into its users {
    %1 = window %0 {axes = [3, 4], sizes = [3, 2], strides = [2, 1], dilations = [1, 1], pads = [0, 0, 0, 0], out = [4, 7]} : f32[B, 2, 3, 4, 7, 3, 2]
  }
  group 1 contract over i_1 < B, j_1 < 2, k_1 < 2, l_1 < 4, m_1 < 7 {
    %3 = contract %1, %2 {lhs = "ngcpqrs", rhs = "gocrs", out = "ngopq"} : f32[B, 2, 2, 4, 7]
    along %0 = reshape %x {dims = [B, 2, 3, 9, 8]} : f32[B, 2, 3, 9, 8]
    along %1 = window %0 {axes = [3, 4], sizes = [3, 2], strides = [2, 1], dilations = [1, 1], pads = [0, 0, 0, 0], out = [4, 7]} : f32[B, 2, 3, 4, 7, 3, 2]
    along %2 = reshape %w {dims = [2, 2, 3, 3, 2]} : f32[2, 2, 3, 3, 2]
    along %y = reshape %3 {dims = [B, 4, 4, 7]} : f32[B, 4, 4, 7]
    stores %3 as %y
  }
  group 2 map over i_2 < B, j_2 < 4, k_2 < 4, l_2 < 7, m_2 < 3, n_1 < 3, dissolved into its users {
    %4 = window %y {axes = [2, 3], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [4, 7]} : f32[B, 4, 4, 7, 3, 3]
  }
  group 3 contract over i_3 < B, j_3 < 4, k_3 < 4, l_3 < 7 {
    %z = contract %4, %5 {lhs = "ngpqrs", rhs = "grs", out = "ngpq"} : f32[B, 4, 4, 7]
    along %4 = window %y {axes = [2, 3], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [4, 7]} : f32[B, 4, 4, 7, 3, 3]
    along %5 = reshape %d {dims = [4, 3, 3]} : f32[4, 3, 3]
    stores %z
  }
  1 -> 3 %y: a product reads each element of its operands many times, and computing this one again costs more than memory
}
