# frit: opt %s -p core,fuse
# input: tests/lower/windows_channels_last.fir
---
groups @w {
  group 0 map over i < B, j < 9, k < 11, l < 24, m < 3, n < 3, dissolved into its users {
    %0 = window %x {axes = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [9, 11]} : f32[B, 9, 11, 24, 3, 3]
  }
  group 1 contract over i_1 < B, j_1 < 9, k_1 < 11, l_1 < 24 {
    %1 = contract %0, %a {lhs = "npqgrs", rhs = "grs", out = "npqg"} : f32[B, 9, 11, 24]
    %d = tanh %1 : f32[B, 9, 11, 24]
    along %0 = window %x {axes = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [9, 11]} : f32[B, 9, 11, 24, 3, 3]
    stores %d
  }
  group 2 map over i_2 < B, j_2 < 5, k_2 < 6, l_2 < 24, m_1 < 3, n_1 < 3, dissolved into its users {
    %2 = window %x {axes = [1, 2], sizes = [3, 3], strides = [2, 2], dilations = [1, 1], pads = [1, 1, 1, 1], out = [5, 6]} : f32[B, 5, 6, 24, 3, 3]
  }
  group 3 contract over i_3 < B, j_3 < 5, k_3 < 6, l_3 < 24 {
    %s = contract %2, %a {lhs = "npqgrs", rhs = "grs", out = "npqg"} : f32[B, 5, 6, 24]
    along %2 = window %x {axes = [1, 2], sizes = [3, 3], strides = [2, 2], dilations = [1, 1], pads = [1, 1, 1, 1], out = [5, 6]} : f32[B, 5, 6, 24, 3, 3]
    stores %s
  }
  group 4 map over i_4 < B, j_4 < 5, k_4 < 6, l_4 < 24, m_2 < 3, n_2 < 3, dissolved into its users {
    %3 = window %x, %low {axes = [1, 2], sizes = [3, 3], strides = [2, 2], dilations = [1, 1], pads = [1, 1, 1, 1], out = [5, 6]} : f32[B, 5, 6, 24, 3, 3]
  }
  group 5 row over i_5 < B, j_5 < 5, k_5 < 6, l_5 < 24 reducing m_3 < 3, n_3 < 3 {
    %m = reduce %3 {kind = max, axes = [4, 5]} : f32[B, 5, 6, 24]
    along %3 = window %x, %low {axes = [1, 2], sizes = [3, 3], strides = [2, 2], dilations = [1, 1], pads = [1, 1, 1, 1], out = [5, 6]} : f32[B, 5, 6, 24, 3, 3]
    stores %m
  }
  group 6 map over i_6 < B, j_6 < 4, k_6 < 5, l_6 < 24, m_4 < 2, n_4 < 2, dissolved into its users {
    %4 = window %x {axes = [1, 2], sizes = [2, 2], strides = [2, 2], dilations = [1, 1], pads = [0, 0, 0, 0], out = [4, 5]} : f32[B, 4, 5, 24, 2, 2]
  }
  group 7 row over i_7 < B, j_7 < 4, k_7 < 5, l_7 < 24 reducing m_5 < 2, n_5 < 2 {
    %v = reduce %4 {axes = [4, 5]} : f32[B, 4, 5, 24]
    along %4 = window %x {axes = [1, 2], sizes = [2, 2], strides = [2, 2], dilations = [1, 1], pads = [0, 0, 0, 0], out = [4, 5]} : f32[B, 4, 5, 24, 2, 2]
    stores %v
  }
  group 8 map over i_8 < B, j_8 < 9, k_8 < 11, l_8 < 24, m_6 < 3, n_6 < 5, dissolved into its users {
    %5 = window %i {axes = [1, 2], sizes = [3, 5], strides = [1, 1], dilations = [2, 1], pads = [2, 2, 2, 2], out = [9, 11]} : i32[B, 9, 11, 24, 3, 5]
  }
  group 9 row over i_9 < B, j_9 < 9, k_9 < 11, l_9 < 24 reducing m_7 < 3, n_7 < 5 {
    %j = reduce %5 {axes = [4, 5]} : i32[B, 9, 11, 24]
    along %5 = window %i {axes = [1, 2], sizes = [3, 5], strides = [1, 1], dilations = [2, 1], pads = [2, 2, 2, 2], out = [9, 11]} : i32[B, 9, 11, 24, 3, 5]
    stores %j
  }
  group 10 map over i_10 < B, j_10 < 9, k_10 < 11, l_10 < 24, m_8 < 1, n_8 < 5, dissolved into its users {
    %6 = window %x, %low {axes = [1, 2], sizes = [1, 5], strides = [1, 1], dilations = [1, 1], pads = [0, 2, 0, 2], out = [9, 11]} : f32[B, 9, 11, 24, 1, 5]
  }
  group 11 row over i_11 < B, j_11 < 9, k_11 < 11, l_11 < 24 reducing m_9 < 5 {
    %p = reduce %7 {kind = argmax, axes = [4]} : i64[B, 9, 11, 24]
    along %6 = window %x, %low {axes = [1, 2], sizes = [1, 5], strides = [1, 1], dilations = [1, 1], pads = [0, 2, 0, 2], out = [9, 11]} : f32[B, 9, 11, 24, 1, 5]
    along %7 = reshape %6 {dims = [B, 9, 11, 24, 5]} : f32[B, 9, 11, 24, 5]
    stores %p
  }
}
