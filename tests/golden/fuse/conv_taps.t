# frit: opt %s -p core,fuse
# input: tests/lower/conv_taps.fir
---
groups @net {
  group 0 map over i < B, j < 7, k < 6, l < 20 {
    %1 = pad %0 {lo = [0, 1, 1, 0], hi = [0, 1, 1, 0]} : f32[B, 7, 6, 20]
    along %0 = transpose %x {perm = [0, 2, 3, 1]} : f32[B, 5, 4, 20]
    stores %1
  }
  group 1 map over i_1 < B, j_1 < 3, k_1 < 2, l_1 < 20, m < 3, n < 3, dissolved into its users {
    %2 = window %1 {axes = [1, 2], sizes = [3, 3], strides = [2, 2], dilations = [1, 1], pads = [0, 0, 0, 0], out = [3, 2]} : f32[B, 3, 2, 20, 3, 3]
  }
  group 2 contract over i_2 < B, j_2 < 3, k_2 < 2, l_2 < 17 {
    %4 = contract %3, %w {lhs = "npqrsc", rhs = "ocrs", out = "npqo"} : f32[B, 3, 2, 17]
    %6 = max %4, %5 : f32[B, 3, 2, 17]
    along %2 = window %1 {axes = [1, 2], sizes = [3, 3], strides = [2, 2], dilations = [1, 1], pads = [0, 0, 0, 0], out = [3, 2]} : f32[B, 3, 2, 20, 3, 3]
    along %3 = transpose %2 {perm = [0, 1, 2, 4, 5, 3]} : f32[B, 3, 2, 3, 3, 20]
    stores %6
  }
  group 3 contract over i_3 < B, j_3 < 3, k_3 < 2, l_3 < 130 {
    %8 = contract %6, %7 {lhs = "npqc", rhs = "oc", out = "npqo"} : f32[B, 3, 2, 130]
    stores %8
  }
  group 4 map over i_4 < B, j_4 < 3, k_4 < 2, l_4 < 130, m_1 < 3, n_1 < 2, dissolved into its users {
    %9 = window %8 {axes = [1, 2], sizes = [3, 2], strides = [1, 1], dilations = [2, 2], pads = [2, 1, 2, 1], out = [3, 2]} : f32[B, 3, 2, 130, 3, 2]
  }
  group 5 contract over i_5 < B, j_5 < 3, k_5 < 2, l_5 < 17 {
    %11 = contract %10, %u {lhs = "npqrsc", rhs = "ocrs", out = "npqo"} : f32[B, 3, 2, 17]
    %12 = add %11, %6 : f32[B, 3, 2, 17]
    along %9 = window %8 {axes = [1, 2], sizes = [3, 2], strides = [1, 1], dilations = [2, 2], pads = [2, 1, 2, 1], out = [3, 2]} : f32[B, 3, 2, 130, 3, 2]
    along %10 = transpose %9 {perm = [0, 1, 2, 4, 5, 3]} : f32[B, 3, 2, 3, 2, 130]
    along %y = transpose %12 {perm = [0, 3, 1, 2]} : f32[B, 17, 3, 2]
    stores %12 as %y
  }
  group 6 map over i_6 < 1, j_6 < 3, k_6 < 6, l_6 < 5, m_2 < 5, n_2 < 5, dissolved into its users {
    %13 = window %d {axes = [2, 3], sizes = [5, 5], strides = [2, 2], dilations = [1, 1], pads = [2, 2, 2, 2], out = [6, 5]} : f32[1, 3, 6, 5, 5, 5]
  }
  group 7 contract over i_7 < 1, j_7 < 5, k_7 < 6, l_7 < 5 {
    %z = contract %13, %s {lhs = "ncpqrs", rhs = "ocrs", out = "nopq"} : f32[1, 5, 6, 5]
    along %13 = window %d {axes = [2, 3], sizes = [5, 5], strides = [2, 2], dilations = [1, 1], pads = [2, 2, 2, 2], out = [6, 5]} : f32[1, 3, 6, 5, 5, 5]
    stores %z
  }
  0 -> 2 %1: a product reads each element of its operands many times, and computing this one again costs more than memory
  2 -> 3 %6: a product reads each element of its operands many times, and computing this one again costs more than memory
  3 -> 5 %8: a product reads each element of its operands many times, and computing this one again costs more than memory
  2 -> 5 %6: that kernel is built around another node and reads this one as a finished tensor
}
