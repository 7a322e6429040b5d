# frit: opt %s -p core,fuse
# input: tests/lower/conv_winograd.fir
---
groups @net {
  group 0 map over i < B, j < H, k < W, l < 20, m < 3, n < 3, dissolved into its users {
    %0 = window %x {axes = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [H, W]} : f32[B, H, W, 20, 3, 3]
  }
  group 1 contract over i_1 < B, j_1 < H, k_1 < W, l_1 < 77 {
    %2 = contract %1, %w {lhs = "npqrsc", rhs = "ocrs", out = "npqo"} : f32[B, H, W, 77]
    %5 = add %2, %4 : f32[B, H, W, 77]
    %7 = max %5, %6 : f32[B, H, W, 77]
    along %0 = window %x {axes = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [H, W]} : f32[B, H, W, 20, 3, 3]
    along %1 = transpose %0 {perm = [0, 1, 2, 4, 5, 3]} : f32[B, H, W, 3, 3, 20]
    along %4 = reshape %3 {dims = [1, 1, 1, 77]} : f32[1, 1, 1, 77]
    stores %7
  }
  group 2 map over i_2 < B, j_2 < H, k_2 < W, l_2 < 77, m_1 < 3, n_1 < 3, dissolved into its users {
    %8 = window %7 {axes = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [2, 0, 0, 2], out = [H, W]} : f32[B, H, W, 77, 3, 3]
  }
  group 3 contract over i_3 < B, j_3 < H, k_3 < W, l_3 < 77 {
    %10 = contract %9, %v {lhs = "npqrsc", rhs = "ocrs", out = "npqo"} : f32[B, H, W, 77]
    %y = add %10, %7 : f32[B, H, W, 77]
    along %8 = window %7 {axes = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [2, 0, 0, 2], out = [H, W]} : f32[B, H, W, 77, 3, 3]
    along %9 = transpose %8 {perm = [0, 1, 2, 4, 5, 3]} : f32[B, H, W, 3, 3, 77]
    stores %y
  }
  group 4 map over i_4 < B, i_5 < 77, i_6 < H, i_7 < W {
    copies %z
  }
  1 -> 3 %7: a product reads each element of its operands many times, and computing this one again costs more than memory
}
