# frit: opt %s -p core,fuse
# input: tests/lower/contract_bytes_channels_last.fir
---
groups @integer_conv {
  group 0 map over i < N, j < 9, k < 9, l < 8, m < 3, n < 3, dissolved into its users {
    %v = window %x, %z {axes = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [9, 9]} : u8[N, 9, 9, 8, 3, 3]
  }
  group 1 contract over i_1 < N, j_1 < 9, k_1 < 9, l_1 < 24 {
    %y = contract %v, %w {lhs = "npqcrs", rhs = "rsco", out = "npqo"} : i32[N, 9, 9, 24]
    along %v = window %x, %z {axes = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [9, 9]} : u8[N, 9, 9, 8, 3, 3]
    stores %y
  }
}
