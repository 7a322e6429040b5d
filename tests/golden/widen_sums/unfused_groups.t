# frit: opt %s -p core,fuse --unfused
func @f(%x: f32[B, 64], %w: f32[64, 64]) -> (%y: f32[B, 64]) {
  %0 = matmul %x, %w
  %1 = relu %0
  %2 = softmax %1
  return %2
}
---
groups @f {
  group 0 map over i < B, j < 64, dissolved into its users {
    %0 = cast %x {to = f64} : f64[B, 64]
  }
  group 1 map over i_1 < 64, j_1 < 64, dissolved into its users {
    %1 = cast %w {to = f64} : f64[64, 64]
  }
  group 2 contract over i_2 < B, j_2 < 64 {
    %2 = contract %0, %1 {lhs = "mk", rhs = "kn", out = "mn"} : f64[B, 64]
    along %0 = cast %x {to = f64} : f64[B, 64]
    along %1 = cast %w {to = f64} : f64[64, 64]
    stores %2
  }
  group 3 map over i_3 < B, j_3 < 64 {
    %3 = cast %2 {to = f32} : f32[B, 64]
    stores %3
  }
  group 4 map over i_4 < B, j_4 < 64 {
    %5 = max %3, %4 : f32[B, 64]
    stores %5
  }
  group 5 row over i_5 < B reducing j_5 < 64 {
    %6 = reduce %5 {kind = max, axes = [1]} : f32[B]
    along %7 = reshape %6 {dims = [B, 1]} : f32[B, 1]
    stores %6 as %7
  }
  group 6 map over i_6 < B, j_6 < 64 {
    %8 = sub %5, %7 : f32[B, 64]
    stores %8
  }
  group 7 map over i_7 < B, j_7 < 64 {
    %9 = exp %8 : f32[B, 64]
    stores %9
  }
  group 8 map over i_8 < B, j_8 < 64 {
    %10 = cast %9 {to = f64} : f64[B, 64]
    stores %10
  }
  group 9 row over i_9 < B reducing j_9 < 64 {
    %11 = reduce %10 {axes = [1]} : f64[B]
    stores %11
  }
  group 10 map over i_10 < B {
    %12 = cast %11 {to = f32} : f32[B]
    along %13 = reshape %12 {dims = [B, 1]} : f32[B, 1]
    stores %12 as %13
  }
  group 11 map over i_11 < B, j_10 < 1 {
    %15 = div %14, %13 : f32[B, 1]
    stores %15
  }
  group 12 map over i_12 < B, j_11 < 64 {
    %16 = mul %9, %15 : f32[B, 64]
    stores %16
  }
  2 -> 3 %2: --unfused gives every node a kernel of its own
  3 -> 4 %3: --unfused gives every node a kernel of its own
  4 -> 5 %5: --unfused gives every node a kernel of its own
  4 -> 6 %5: --unfused gives every node a kernel of its own
  5 -> 6 %7: --unfused gives every node a kernel of its own
  6 -> 7 %8: --unfused gives every node a kernel of its own
  7 -> 8 %9: --unfused gives every node a kernel of its own
  8 -> 9 %10: --unfused gives every node a kernel of its own
  9 -> 10 %11: --unfused gives every node a kernel of its own
  10 -> 11 %13: --unfused gives every node a kernel of its own
  7 -> 12 %9: --unfused gives every node a kernel of its own
  11 -> 12 %15: --unfused gives every node a kernel of its own
}
