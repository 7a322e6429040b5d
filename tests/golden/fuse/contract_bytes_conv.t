# frit: opt %s -p core,fuse
# input: tests/lower/contract_bytes_conv.fir
---
groups @integer_conv {
  group 0 map over i < N, j < 5, k < 9, l < 9, m < 3, n < 3, dissolved into its users {
    %v = window %x, %z {axes = [2, 3], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [9, 9]} : u8[N, 5, 9, 9, 3, 3]
  }
  group 1 contract over i_1 < N, j_1 < 8, k_1 < 9, l_1 < 9 {
    %y = contract %w, %v {lhs = "ocrs", rhs = "ncpqrs", out = "nopq"} : i32[N, 8, 9, 9]
    along %v = window %x, %z {axes = [2, 3], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [9, 9]} : u8[N, 5, 9, 9, 3, 3]
    stores %y
  }
}
