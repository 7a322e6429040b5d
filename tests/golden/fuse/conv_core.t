# frit: opt %s -p core,fuse
# input: tests/lower/conv_core.fir
---
groups @conv {
  group 0 map over i < N, j < 16, k < 28, l < 28, m < 3, n < 3, dissolved into its users {
    %v = window %x {axes = [2, 3], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [28, 28]} : f32[N, 16, 28, 28, 3, 3]
  }
  group 1 contract over i_1 < N, j_1 < 32, k_1 < 28, l_1 < 28 {
    %p = contract %w, %v {lhs = "ocrs", rhs = "ncpqrs", out = "nopq"} : f32[N, 32, 28, 28]
    %q = add %p, %b1 : f32[N, 32, 28, 28]
    %y = max %q, %z : f32[N, 32, 28, 28]
    along %v = window %x {axes = [2, 3], sizes = [3, 3], strides = [1, 1], dilations = [1, 1], pads = [1, 1, 1, 1], out = [28, 28]} : f32[N, 16, 28, 28, 3, 3]
    along %b1 = reshape %b {dims = [1, 32, 1, 1]} : f32[1, 32, 1, 1]
    stores %y
  }
}
